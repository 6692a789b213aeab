#include "dialect/form.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

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

Error no_form() {
  return invalid("The request's body is not the multipart/form-data that its Content-Type says.");
}

// A header's parameters behind its first `;`, one after the other: names in small letters, values without their quotes.
// What readers take in two ways is no parameter at all: a name given twice or in pieces (RFC 2231; only `filename*` has
// a use), an escape, anything behind a closing quote.
class Parameters {
 public:
  explicit Parameters(std::string_view header) : rest_{header.substr(std::min(header.find(';'), header.size()))} {}

  struct One {
    std::string name;
    std::string_view value;
  };
  // Nothing: that was all, or it failed.
  std::optional<One> next() {
    if (rest_.empty()) return std::nullopt;
    rest_ = without_space(rest_.substr(1));
    if (rest_.empty()) return std::nullopt;  // a `;` at the end
    const std::size_t equals = rest_.find('=');
    if (equals == std::string_view::npos) return fail();
    One one{.name = text::lower(rest_.substr(0, equals)), .value = rest_.substr(equals + 1)};
    const bool quoted = one.value.starts_with('"');
    if (quoted) one.value.remove_prefix(1);
    const std::size_t end = quoted ? one.value.find('"') : std::min(one.value.find(';'), one.value.size());
    if (end == std::string_view::npos) return fail();
    rest_ = without_space(one.value.substr(end + (quoted ? 1 : 0)));
    one.value = quoted ? one.value.substr(0, end) : text::trim(one.value.substr(0, end));
    const bool clear = one.value.find_first_of(quoted ? "\\" : "\\\" \t") == std::string_view::npos;
    const bool again = std::find(names_.begin(), names_.end(), one.name) != names_.end();
    if (!clear || again || !is_name(one.name) || (!rest_.empty() && rest_.front() != ';')) return fail();
    names_.push_back(one.name);
    return one;
  }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  static std::string_view without_space(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
  }
  static bool is_name(std::string_view name) {
    const auto plain = [](char c) { return text::is_letter(c) || text::is_digit(c) || c == '-' || c == '_'; };
    return name == "filename*" || (!name.empty() && std::all_of(name.begin(), name.end(), plain));
  }
  std::nullopt_t fail() {
    failed_ = true;
    rest_ = {};
    return std::nullopt;
  }

  std::string_view rest_;  // from the next `;` on
  std::vector<std::string> names_;
  bool failed_ = false;
};

// The value of a parameter; nothing: it is not there, or not all readers may find the same.
std::optional<std::string_view> parameter(std::string_view header, std::string_view name) {
  std::optional<std::string_view> found;
  Parameters all{header};
  while (const std::optional<Parameters::One> one = all.next()) {
    if (one->name == name) found = one->value;
  }
  return all.failed() ? std::nullopt : found;
}

bool is_boundary(std::string_view text) {
  constexpr std::string_view kMarks = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= kLongestBoundary && !text.ends_with(' ') &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return text::is_letter(c) || text::is_digit(c) || kMarks.find(c) != std::string_view::npos;
         });
}

// A header line that every reader takes for the same one: no folded lines, no line ends but CRLF.
bool is_clear(std::string_view line) {
  const auto control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; };
  const std::size_t colon = line.find(':');
  return colon != std::string_view::npos && colon > 0 && line.find_first_of(" \t") > colon &&
         std::none_of(line.begin(), line.end(), control);
}

// The name of a part, from its head: it must be said once, and in one way.
std::optional<std::string> name_of(std::string_view head) {
  std::optional<std::string> name;
  bool disposed = false;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find(kLineEnd), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + kLineEnd.size(), head.size()));
    if (!is_clear(line)) return std::nullopt;
    if (text::lower(line.substr(0, line.find(':'))) != "content-disposition") continue;
    const std::optional<std::string_view> found = parameter(line, "name");
    if (!found || std::exchange(disposed, true)) return std::nullopt;
    name = *found;
  }
  return name;
}

}  // namespace

Result<Reader> Reader::of(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/form-data";
  const std::string type = text::lower(text::trim(content_type.substr(0, content_type.find(';'))));
  if (type != kType) return invalid("A recording is sent as multipart/form-data.");
  const std::optional<std::string_view> boundary = parameter(content_type, "boundary");
  if (!boundary || !is_boundary(*boundary)) return invalid("The request's Content-Type has no usable boundary.");
  return Reader{*boundary};
}

Reader::Reader(std::string_view boundary) : dashes_{"--"} {
  dashes_ += boundary;
  restart_.assign(dashes_.size() + 1, 0);
  for (std::size_t i = 1, k = 0; i < dashes_.size(); ++i) {
    while (k > 0 && dashes_[i] != dashes_[k]) k = restart_[k];
    if (dashes_[i] == dashes_[k]) ++k;
    restart_[i + 1] = static_cast<std::uint8_t>(k);
  }
  call_.api = llm::Api::transcription;
}

Result<Unit> Reader::take(std::string_view piece) {
  while (!piece.empty() && state_ != State::end) {
    Result<std::size_t> some = take_some(piece);
    if (!some) return std::move(some).error();
    taken_ += *some;
    piece.remove_prefix(*some);
  }
  return Unit{};
}

Result<Unit> Reader::end() const {
  if (state_ != State::end) return no_form();
  if (call_.model.empty()) return invalid("The form does not say which `model` to use.");
  return Unit{};
}

// Returns how many bytes are dealt with; at least one.
Result<std::size_t> Reader::take_some(std::string_view piece) {
  switch (state_) {
    case State::start:
      if (piece.front() != dashes_[matched_]) return no_form();
      if (++matched_ == dashes_.size()) state_ = State::behind_delimiter;
      return std::size_t{1};
    case State::behind_delimiter: return take_delimiter_end(piece);
    case State::head: return take_head(piece);
    case State::value: return take_value(piece);
    case State::end: break;
  }
  return piece.size();
}

// Two bytes: another part follows, or none.
Result<std::size_t> Reader::take_delimiter_end(std::string_view piece) {
  head_ += piece.front();
  if (head_.size() < 2) return std::size_t{1};
  if (head_ != kLineEnd && head_ != "--") return no_form();
  if (head_ == kLineEnd && ++parts_ > kMostParts) return no_form();
  state_ = head_ == kLineEnd ? State::head : State::end;
  head_.clear();
  return std::size_t{1};
}

Result<std::size_t> Reader::take_head(std::string_view piece) {
  const std::size_t before = head_.size();
  head_.append(piece.substr(0, kLongestHead + kHeadEnd.size() - before));
  const std::size_t end = head_.find(kHeadEnd, before - std::min(before, kHeadEnd.size() - 1));
  if (end == std::string::npos) {
    if (head_.size() > kLongestHead) return no_form();
    return head_.size() - before;
  }
  const std::size_t used = end + kHeadEnd.size() - before;
  head_.resize(end);
  value_at_ = taken_ + used;
  Result<Unit> begun = begin_part();
  if (!begun) return std::move(begun).error();
  return used;
}

Result<Unit> Reader::begin_part() {
  std::optional<std::string> name = name_of(head_);
  if (!name) return no_form();
  name_ = *std::move(name);
  head_.clear();
  value_.clear();
  matched_ = 0;
  tail_ = kLineEnd;  // the head's: a boundary right behind it belongs to a part that has no value at all
  state_ = State::value;
  const bool model = name_ == "model";
  if (!model && name_ != "stream") return Unit{};
  if (std::exchange(seen_[model ? 0 : 1], true)) return invalid("The form says `" + name_ + "` twice.");
  return Unit{};
}

Result<std::size_t> Reader::take_value(std::string_view piece) {
  const std::size_t end = find_dashes(piece);
  const bool found = matched_ == dashes_.size();
  if (found && !behind_line_end(piece, end)) return no_form();
  if ((name_ == "model" || name_ == "stream") && value_.size() <= kLongestName + kLongestBoundary + 4) {
    value_.append(piece.substr(0, std::min(end, kLongestName + kLongestBoundary + 4)));
  }
  keep_tail(piece.substr(0, end));
  if (!found) return end;
  const std::uint64_t delimiter = taken_ + end - dashes_.size() - kLineEnd.size();
  if (delimiter + kLineEnd.size() == value_at_) return no_form();
  Result<Unit> done = end_part(delimiter);
  if (!done) return std::move(done).error();
  matched_ = 0;
  state_ = State::behind_delimiter;
  return end;
}

// Looks for "--boundary"; returns how far it came: behind it, when all of it is matched, or to the end.
std::size_t Reader::find_dashes(std::string_view piece) {
  for (std::size_t at = 0; at < piece.size();) {
    if (matched_ == 0) {
      at = piece.find('-', at);
      if (at == std::string_view::npos) return piece.size();
    }
    while (matched_ > 0 && piece[at] != dashes_[matched_]) matched_ = restart_[matched_];
    if (piece[at] == dashes_[matched_]) ++matched_;
    ++at;
    if (matched_ == dashes_.size()) return at;
  }
  return piece.size();
}

// Whether CRLF stands before the boundary that ends at `end`.
bool Reader::behind_line_end(std::string_view piece, std::size_t end) const {
  std::string before = tail_;
  const std::size_t from = end - std::min(end, dashes_.size() + kLineEnd.size());
  before.append(piece.substr(from, end - from));
  before.resize(before.size() - dashes_.size());
  return before.ends_with(kLineEnd);
}

void Reader::keep_tail(std::string_view piece) {
  const std::size_t most = dashes_.size() + kLineEnd.size();
  if (piece.size() >= most) {
    tail_.assign(piece.substr(piece.size() - most));
    return;
  }
  tail_.append(piece);
  tail_.erase(0, tail_.size() - std::min(tail_.size(), most));
}

Result<Unit> Reader::end_part(std::uint64_t value_end) {
  const bool model = name_ == "model";
  if (!model && name_ != "stream") return Unit{};
  const std::uint64_t length = value_end - value_at_;
  const std::string_view value =
      std::string_view{value_}.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(length, value_.size())));
  if (!model) {
    call_.stream = value == "true" ? llm::Stream::yes : llm::Stream::no;
    return Unit{};
  }
  if (length == 0 || length > kLongestName || text::first_illegal_byte(value)) {
    return invalid("The form's `model` must be the name of a model: 1 to 512 bytes of text.");
  }
  call_.model = value;
  call_.model_value = {.offset = static_cast<std::size_t>(value_at_), .length = static_cast<std::size_t>(length)};
  return Unit{};
}

Result<llm::Call> understand(std::string_view content_type, std::string_view body) {
  Result<Reader> reader = Reader::of(content_type);
  if (!reader) return std::move(reader).error();
  Result<Unit> taken = reader->take(body);
  if (!taken) return std::move(taken).error();
  Result<Unit> ended = reader->end();
  if (!ended) return std::move(ended).error();
  return reader->call();
}

llm::Edits edits(const llm::Call& call, std::string_view upstream_model) {
  llm::Edits result;
  if (call.model == upstream_model) return result;
  result.list[0] = {.where = call.model_value, .text = std::string{upstream_model}};
  result.count = 1;
  return result;
}

}  // namespace intragate::dialect::form
