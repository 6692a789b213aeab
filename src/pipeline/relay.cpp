#include <algorithm>

#include "dialect/openai.h"
#include "dialect/rerank.h"
#include "net/loop.h"
#include "pipeline/exchange.h"
#include "pipeline/fronting.h"
#include "pipeline/mending.h"
#include "pipeline/parts.h"
#include "pipeline/relay_stream.h"
#include "pipeline/settle.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using Fill = net::HttpClient::Fill;
constexpr std::size_t kTail = 4096;  // of a long answer: where `usage` stands

// Only 200 is success for Dify: 201 and 202 become 200.
int client_status(const Exchange& x) {
  const int status = x.answer.head.status;
  return status >= 200 && status < 300 ? 200 : status;
}

Reply::Head client_head(const Exchange& x, const std::string& extra) {
  const std::string_view type = x.answer.content_type;
  return {.status = client_status(x), .content_type = type.empty() ? "application/json" : type, .extra = extra};
}

std::string extra_headers(const Exchange& x) {
  std::string extra;
  const auto add = [&extra](std::string_view name, std::string_view value) {
    if (!value.empty()) extra.append(name).append(value).append("\r\n");
  };
  add("content-encoding: ", x.answer.content_encoding());
  if (!x.answer.retry_after().empty()) {
    add("retry-after: ", x.answer.retry_after());
  } else if (x.answer.head.status == 429) {
    extra += "retry-after: 1\r\n";
  }
  return extra;
}

void take_usage(Exchange& x, std::optional<llm::Usage> usage) {
  if (usage) x.usage = *usage;
}

Error refused_by_model(const Exchange& x) {
  return make_error(Code::upstream_status, {}).because("status " + std::to_string(x.answer.head.status));
}

net::Task<Result<Next>> send_collected_rest(Exchange& x) {
  const bool sent = co_await x.reply.send_whole_rest(x, x.answer.owned);
  if (!sent) co_return make_error(Code::client_gone, {});
  if (client_status(x) != 200) co_return refused_by_model(x);
  co_return Next::answered;
}

dialect::rerank::Scores scores_of(config::RerankScores scores) {
  using dialect::rerank::Scores;
  if (scores == config::RerankScores::logits) return Scores::logits;
  return scores == config::RerankScores::unit ? Scores::unit : Scores::found_out;
}

// A reranking in the one form that clients read.
Result<Unit> put_in_form(Exchange& x) {
  namespace rerank = dialect::rerank;
  const Result<rerank::Asked> asked = rerank::understand(x.asked());  // it was good at its station
  Result<std::string> made = ranks_by_vectors(*x.lane) ? rerank::from_embeddings(*asked, x.answer.owned, x.call.model)
                                                       : rerank::answer(*asked, x.answer.owned, x.call.model,
                                                                        scores_of(x.lane->model.rerank_scores));
  if (!made) return std::move(made).error();
  x.answer.owned = *std::move(made);
  x.answer.content_type = "application/json";
  return Unit{};
}

Passage relay_collected(Exchange& x) {
  if (x.answer.head.keep_alive) x.upstream.keep();
  x.upstream = {};  // back to the pool before the client, who may be slow, has read anything
  if (x.call.api == llm::Api::rerank && client_status(x) == 200) {
    Result<Unit> formed = put_in_form(x);
    if (!formed) return std::move(formed).error();
  }
  take_usage(x, x.answer.usage ? x.answer.usage : dialect::openai::find_usage(x.answer.owned));
  free_slot(x);  // the model is done with it, however slowly the client reads
  if (x.call.api == llm::Api::embeddings && client_status(x) == 200) {
    Result<Unit> formed = put_vectors_in_form(x);
    if (!formed) return std::move(formed).error();
  }
  if (x.front) {
    Result<Unit> answered = answer_in_front(x);
    if (!answered) return std::move(answered).error();
  }
  if (x.transcript) x.transcript->answer(x.answer.owned);
  if (x.call.stream == llm::Stream::yes) make_events(x);
  const std::string extra = extra_headers(x);
  if (!x.reply.send_whole_now(x, client_head(x, extra), x.answer.owned)) return send_collected_rest(x);
  if (client_status(x) != 200) return refused_by_model(x);
  return Next::answered;
}

// One piece of a long answer.
net::Task<bool> send_piece(Exchange& x, std::string_view piece) {
  if (!x.reply.chunked()) {
    if (x.reply.send_now(piece, piece.size())) co_return true;
    const bool sent = co_await x.reply.send_rest(x, piece);
    co_return sent;
  }
  const std::string framed = x.reply.framed(piece);
  if (x.reply.send_now(framed, piece.size())) co_return true;
  const bool sent = co_await x.reply.send_rest(x, framed);
  co_return sent;
}

net::Task<Result<Unit>> wait_for_more(Exchange& x) {
  const Deadline patience = Deadline::in(x.worker.loop().now(), x.lane->model.timeouts.between_chunks);
  const net::Until until{x.deadline.earlier(patience), &x.connection.cancellation()};
  const net::Wake wake = co_await x.upstream.client().readable(until);
  if (wake == net::Wake::cancelled) co_return make_error(Code::client_gone, {});
  if (wake == net::Wake::deadline) co_return went_silent(x);
  co_return Unit{};
}

// What says that the body is whole.
net::Task<bool> send_end(Exchange& x) {
  if (!x.reply.chunked() || x.reply.send_now(net::kLastChunk, 0)) co_return true;
  const bool sent = co_await x.reply.send_rest(x, net::kLastChunk);
  co_return sent;
}

// An answer too long to be collected first: what was collected goes out, the rest follows as it comes.
net::Task<Result<Next>> relay_long(Exchange& x) {
  net::HttpClient& client = x.upstream.client();
  net::BodyDecoder& decoder = *x.answer.decoder;
  const std::string extra = extra_headers(x);
  std::optional<std::uint64_t> length;
  if (x.answer.head.framing == net::Framing::length) length = x.answer.head.content_length;
  x.reply.begin(x, client_head(x, extra), length);
  take_usage(x, dialect::openai::find_usage_in_beginning(x.answer.owned));
  std::string piece = std::move(x.answer.owned);
  std::string tail;
  int rounds = 0;
  for (bool ended = false;;) {
    if (!piece.empty()) {
      if (x.transcript) x.transcript->answer(piece);
      const bool sent = co_await send_piece(x, piece);
      if (!sent) co_return make_error(Code::client_gone, {});
    }
    tail.append(piece, piece.size() - std::min(piece.size(), kTail));
    tail.erase(0, tail.size() - std::min(tail.size(), kTail));
    piece.clear();
    if (ended) break;
    const net::BodyDecoder::Step step = decoder.step(client.buffer().view());
    piece.assign(step.data);
    client.buffer().consume(step.consumed);
    if (step.state == net::BodyDecoder::State::bad) co_return broke_off(x, "bad chunked coding");
    ended = step.state == net::BodyDecoder::State::end;
    if (step.state != net::BodyDecoder::State::more) continue;
    const Fill got = client.fill(net::Buffer::kBlock);
    const bool whole = decoder.may_close_here() && !client.cut();
    if (got == Fill::closed && !whole) co_return broke_off(x, "closed within the body");
    ended = got == Fill::closed;
    if (got == Fill::more && ++rounds >= kBusyRounds) {
      rounds = 0;
      co_await net::Yield{x.worker.loop()};
      if (x.connection.cancellation().fired()) co_return make_error(Code::client_gone, {});
      if (x.deadline.reached(x.worker.loop().now())) co_return went_silent(x);
    }
    if (got != Fill::blocked) continue;
    Result<Unit> more = co_await wait_for_more(x);
    if (!more) co_return std::move(more).error();
  }
  const bool sent = co_await send_end(x);
  if (!sent) co_return make_error(Code::client_gone, {});
  x.reply.end();
  if (x.answer.head.keep_alive) x.upstream.keep();
  if (x.usage.source == llm::UsageSource::none) take_usage(x, dialect::openai::find_usage(tail));
  if (client_status(x) != 200) co_return refused_by_model(x);
  co_return Next::answered;
}

// Before anything of it is used.
net::Task<Result<Next>> relay_screened(Exchange& x) {
  Result<Unit> screened = co_await screen_answer(x);
  if (!screened) {
    take_usage(x, x.answer.usage ? x.answer.usage : dialect::openai::find_usage(x.answer.owned));
    co_return std::move(screened).error();
  }
  if (!x.answer.collected) {
    Result<Next> relayed = co_await relay_long(x);
    co_return relayed;
  }
  Passage passage = relay_collected(x);
  if (!passage.waits()) co_return std::move(passage.result());
  net::Task<Result<Next>> rest = std::move(passage).task();
  Result<Next> relayed = co_await rest;
  co_return relayed;
}

// Vectors and sounds are no text.
bool has_text(const Exchange& x) {
  const bool vectors =
      x.call.api == llm::Api::embeddings || (x.call.api == llm::Api::rerank && ranks_by_vectors(*x.lane));
  return !vectors && x.call.api != llm::Api::speech;
}

// The client has been sent heartbeats, so that neither a status nor a body of another kind can follow.
Error not_a_stream(const Exchange& x) {
  const int status = x.answer.head.status;
  if (client_status(x) == 200) {
    return make_error(Code::upstream_malformed, "The model `" + x.lane->name + "` did not answer with a stream.");
  }
  return make_error(Code::upstream_status, "The model `" + x.lane->name + "` refused this request (status " +
                                               std::to_string(status) + "); it has to be changed.");
}

}  // namespace

Passage Relay::pass(Exchange& x) {
  if (x.answer.event_stream) return relay_stream(x);
  if (x.streaming) return not_a_stream(x);
  if (x.call.api == llm::Api::rerank && !x.answer.collected) {
    return make_error(Code::upstream_malformed, "The model's answer is too long for a reranking.");
  }
  if (x.front && !x.answer.collected) {
    return make_error(Code::upstream_malformed, "The model's answer is longer than 32 MiB.");
  }
  if (x.screening && x.screening->looks_into(content::Where::answer) && has_text(x)) return relay_screened(x);
  if (x.answer.collected) return relay_collected(x);
  return relay_long(x);
}

}  // namespace intragate::pipeline
