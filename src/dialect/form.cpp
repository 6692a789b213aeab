#include "dialect/form.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"

namespace intragate::dialect::form {
namespace {

constexpr std::size_t kLongestBoundary = 70;  // RFC 2046 section 5.1.1
constexpr std::size_t kLongestHead = 4096;    // of one part
constexpr std::size_t kLongestName = 512;     // of a model: it goes into every audit record
constexpr int kMostParts = 64;
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
}

// The value of `name` among the parameters behind the first `;`, without its quotes. Nothing if it is not there. A
// quoted value may hold `;`; an escape within one is left as it is, for no name here has one.
std::optional<std::string_view> parameter(std::string_view header, std::string_view name) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos) {
    ++at;
    const std::size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string key = text::lower(text::trim(header.substr(at, equals - at)));
    std::string_view value = header.substr(equals + 1);
    const bool quoted = value.starts_with('"');
    if (quoted) value.remove_prefix(1);
    const std::size_t end = std::min(value.find(quoted ? '"' : ';'), value.size());
    if (key == name) return quoted ? value.substr(0, end) : text::trim(value.substr(0, end));
    at = header.find(';', static_cast<std::size_t>(value.data() + end - header.data()));
  }
  return std::nullopt;
}

bool is_boundary(std::string_view text) {
  constexpr std::string_view kMarks = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= kLongestBoundary && !text.ends_with(' ') &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return text::is_letter(c) || text::is_digit(c) || kMarks.find(c) != std::string_view::npos;
         });
}

// A part's head line of this name (lower case), or an empty view.
std::string_view head_line(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find(kLineEnd), head.size());
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && text::lower(line.substr(0, colon)) == name) {
      return text::trim(line.substr(colon + 1));
    }
    head.remove_prefix(std::min(end + kLineEnd.size(), head.size()));
  }
  return {};
}

struct Part {
  std::string_view name;
  llm::Span value;
};

// Walks over the parts of a body.
class Parts {
 public:
  Parts(std::string_view body, std::string_view boundary) : body_{body}, delimiter_{"\r\n--"} {
    delimiter_ += boundary;
    const std::string_view first = std::string_view{delimiter_}.substr(kLineEnd.size());
    if (body_.starts_with(first)) at_ = first.size();
    failed_ = at_ == 0;
  }

  // Nothing at the end, or when the body is not made of parts (ask `failed`).
  std::optional<Part> next() {
    if (failed_ || body_.substr(at_).starts_with("--")) return std::nullopt;
    failed_ = true;  // until the part turns out to be whole
    if (++count_ > kMostParts || !body_.substr(at_).starts_with(kLineEnd)) return std::nullopt;
    const std::size_t head = at_ + kLineEnd.size();
    const std::size_t head_end = body_.substr(0, std::min(head + kLongestHead, body_.size())).find(kHeadEnd, head);
    if (head_end == std::string_view::npos) return std::nullopt;
    const std::size_t value = head_end + kHeadEnd.size();
    const std::size_t end = body_.find(delimiter_, value - kLineEnd.size());
    if (end == std::string_view::npos || end < value) return std::nullopt;
    const std::string_view disposition = head_line(body_.substr(head, head_end - head), "content-disposition");
    const std::optional<std::string_view> name = parameter(disposition, "name");
    if (!name) return std::nullopt;
    failed_ = false;
    at_ = end + delimiter_.size();
    return Part{*name, {.offset = value, .length = end - value}};
  }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::string_view body_;
  std::string delimiter_;
  std::size_t at_ = 0;  // behind a delimiter
  int count_ = 0;
  bool failed_ = false;
};

Result<Unit> read(llm::Call& call, const Part& part, std::string_view value, std::array<bool, 2>& seen) {
  const bool model = part.name == "model";
  if (!model && part.name != "stream") return Unit{};
  if (std::exchange(seen[model ? 0 : 1], true)) return invalid("The form says `" + std::string{part.name} + "` twice.");
  if (!model) {
    call.stream = value == "true" ? llm::Stream::yes : llm::Stream::no;
    return Unit{};
  }
  if (value.empty() || value.size() > kLongestName || text::first_illegal_byte(value)) {
    return invalid("The form's `model` must be the name of a model: 1 to 512 bytes of text.");
  }
  call.model = value;
  call.model_value = part.value;
  return Unit{};
}

}  // namespace

Result<llm::Call> understand(std::string_view content_type, std::string_view body) {
  constexpr std::string_view kType = "multipart/form-data";
  const std::string type = text::lower(text::trim(content_type.substr(0, content_type.find(';'))));
  if (type != kType) return invalid("A recording is sent as multipart/form-data.");
  const std::optional<std::string_view> boundary = parameter(content_type, "boundary");
  if (!boundary || !is_boundary(*boundary)) return invalid("The request's Content-Type has no usable boundary.");
  llm::Call call;
  call.api = llm::Api::transcription;
  std::array<bool, 2> seen{};
  Parts parts{body, *boundary};
  while (const std::optional<Part> part = parts.next()) {
    Result<Unit> taken = read(call, *part, body.substr(part->value.offset, part->value.length), seen);
    if (!taken) return std::move(taken).error();
  }
  if (parts.failed()) return invalid("The request's body is not the multipart/form-data that its Content-Type says.");
  if (call.model.empty()) return invalid("The form does not say which `model` to use.");
  return call;
}

llm::Edits edits(const llm::Call& call, std::string_view upstream_model) {
  llm::Edits result;
  if (call.model == upstream_model) return result;
  result.list[0] = {.where = call.model_value, .text = std::string{upstream_model}};
  result.count = 1;
  return result;
}

}  // namespace intragate::dialect::form
