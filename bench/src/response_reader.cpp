#include "response_reader.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace intragate::bench {
namespace {

constexpr std::size_t kMaxLine = 16384;

bool is_field(const std::string& line, std::string_view name) {
  return line.size() > name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
}

}  // namespace

void ResponseReader::begin() {
  part_ = Part::head;
  status_ = 0;
  started_ = closes_ = chunked_ = has_length_ = false;
  left_ = 0;
  line_.clear();
}

ReadState ResponseReader::feed(std::string_view& bytes, AnswerSink& sink) {
  started_ = started_ || !bytes.empty();
  ReadState state = ReadState::more;
  while (!bytes.empty() && state == ReadState::more) {
    if (part_ == Part::head) {
      state = read_head(bytes);
    } else if (part_ == Part::chunk_size) {
      state = read_chunk_size(bytes);
    } else if (part_ == Part::counted || part_ == Part::chunk_data) {
      read_data(bytes, sink);
    } else if (next_line(bytes, line_)) {  // the end of a chunk, or a trailer
      if (part_ == Part::chunk_end && !line_.empty()) return ReadState::broken;
      part_ = part_ == Part::trailer && line_.empty() ? Part::done : part_;
      if (part_ == Part::chunk_end) part_ = Part::chunk_size;
      line_.clear();
    }
    if (part_ == Part::done) state = ReadState::complete;
  }
  return state;
}

bool ResponseReader::next_line(std::string_view& bytes, std::string& line) {
  const std::size_t end = bytes.find('\n');
  const std::size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
  line.append(bytes.substr(0, taken));
  bytes.remove_prefix(taken);
  if (end == std::string_view::npos) return false;
  line.pop_back();
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

ReadState ResponseReader::read_head(std::string_view& bytes) {
  while (next_line(bytes, line_)) {
    if (status_ == 0) {
      if (line_.size() < 12 || !is_field(line_, "HTTP/1.")) return ReadState::broken;
      std::from_chars(line_.data() + 9, line_.data() + 12, status_);
      if (status_ < 100) return ReadState::broken;
    } else if (!line_.empty()) {
      read_field(line_);
    } else {
      line_.clear();
      if (status_ < 200) {
        status_ = 0;  // an interim answer: the real one follows
        continue;
      }
      if (!chunked_ && !has_length_) return ReadState::broken;
      part_ = chunked_ ? Part::chunk_size : left_ > 0 ? Part::counted : Part::done;
      return ReadState::more;
    }
    line_.clear();
  }
  return line_.size() > kMaxLine ? ReadState::broken : ReadState::more;
}

void ResponseReader::read_field(const std::string& line) {
  if (is_field(line, "content-length:")) {
    const std::size_t digits = line.find_first_of("0123456789");
    if (digits == std::string::npos) return;
    has_length_ = true;
    std::from_chars(line.data() + digits, line.data() + line.size(), left_);
  } else if (is_field(line, "transfer-encoding:")) {
    chunked_ = line.find("chunked") != std::string::npos;
  } else if (is_field(line, "connection:")) {
    closes_ = line.find("close") != std::string::npos;
  }
}

ReadState ResponseReader::read_chunk_size(std::string_view& bytes) {
  if (!next_line(bytes, line_)) return line_.size() > 64 ? ReadState::broken : ReadState::more;
  left_ = 0;
  const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
  if (error != std::errc{}) return ReadState::broken;
  line_.clear();
  part_ = left_ > 0 ? Part::chunk_data : Part::trailer;
  return ReadState::more;
}

void ResponseReader::read_data(std::string_view& bytes, AnswerSink& sink) {
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  sink.body(bytes.substr(0, taken));
  bytes.remove_prefix(taken);
  left_ -= taken;
  if (left_ > 0) return;
  if (part_ == Part::counted) {
    part_ = Part::done;
  } else {
    sink.chunk_ended();
    part_ = Part::chunk_end;
  }
}

}  // namespace intragate::bench
