#include "pipeline/fronting.h"

#include "dialect/openai.h"
#include "dialect/openai_delta.h"
#include "pipeline/conversion.h"
#include "pipeline/exchange.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

namespace openai = dialect::openai;

constexpr std::string_view kBlankLine = "\n\n";                  // ends every block
constexpr std::size_t kMostKept = std::size_t{4} * 1024 * 1024;  // which the end says four times, escaped

Error malformed(const Exchange& x, std::string detail) {
  return make_error(Code::upstream_malformed,
                    "The model `" + x.lane->name + "` gave an answer that cannot be read; its operator has to look.")
      .because(std::move(detail));
}

}  // namespace

Result<Unit> ask_in_chat(Exchange& x) {
  Result<std::string> chat = x.front->request(x.connection.body());
  if (!chat) return std::move(chat).error();
  x.chat = *std::move(chat);
  x.chat_held = net::Held{x.worker.loop().buffers().meter(), x.chat.capacity()};
  x.call.api = llm::Api::chat;
  return Unit{};
}

Result<Unit> answer_in_front(Exchange& x) {
  Answer& answer = x.answer;
  if (answer.packed()) {
    return malformed(x, "the answer is compressed, which was not asked for");
  }
  const int status = answer.head.status;
  if (status < 200 || status >= 300) {
    const std::string words = openai::read_refusal(answer.owned);
    answer.owned = x.front->error(dialect::told_by_model(status, words), x.request_id);
  } else {
    llm::Delta said;
    openai::read_answer(answer.owned, said);
    if (said.malformed) return malformed(x, "no chat completion");
    answer.owned = x.front->answer(said);
  }
  answer.held.set(answer.owned.capacity());
  answer.content_type = "application/json";
  if (answer.seldom) answer.seldom->content_encoding.clear();
  return Unit{};
}

Fronting::Fronting(const Exchange& x) : stream_{*x.front}, held_{x.worker.loop().buffers().meter()} {}

void Fronting::rewrite(const Exchange& x, Stream::Output& out) {
  blocks_.clear();
  stream_.take(out.bytes, blocks_);
  if (x.front->kept() > kMostKept) out.end = Stream::End::malformed;  // more than an answer may have
  if (out.end == Stream::End::complete) stream_.finish(blocks_);
  framed_.clear();
  for (std::string_view rest = blocks_; !rest.empty();) {  // a chunk for each, as clients of chat get them
    const std::string_view block = rest.substr(0, rest.find(kBlankLine) + kBlankLine.size());
    framed_ += x.reply.framed(block);
    rest.remove_prefix(block.size());
  }
  held_.set(x.front->kept() + blocks_.capacity() + framed_.capacity());
  out.bytes = framed_;
  out.payload = blocks_.size();
}

std::string framed(const Exchange& x, std::string_view event) {
  return x.front ? std::string{event} : x.reply.framed(event);
}

std::string heartbeat(Exchange& x, std::string_view words) {
  std::string block;
  if (x.front) {
    x.front->heartbeat(words, block);
  } else {
    block = ": ";
    block += words;
    block += "\n\n";
  }
  return block;
}

std::string error_body(const Exchange& x, const Error& error) {
  return x.front ? x.front->error(dialect::told(error), x.request_id) : openai::encode_error(error);
}

std::string error_event(Exchange& x, const Error& error) {
  std::string event;
  if (x.front) {
    x.front->fail(dialect::told(error), event);
  } else {
    event = "data: " + openai::encode_error(error) + "\n\n";
  }
  return event;
}

void release_request(Exchange& x) {
  x.connection.release_request();
  x.chat = std::string{};
  x.chat_held = {};
  x.screened = std::string{};
  x.screened_held = {};
}

}  // namespace intragate::pipeline
