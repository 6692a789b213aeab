#include "event_check.h"

#include <charconv>

namespace intragate::bench {

void EventCheck::body(std::string_view bytes) {
  if (pending_.empty()) {
    take_events(bytes);
    pending_.assign(bytes);
    return;
  }
  pending_.append(bytes);
  std::string_view all = pending_;
  take_events(all);
  pending_.erase(0, pending_.size() - all.size());
}

void EventCheck::chunk_ended() {
  ++counts_.chunks;
  if (in_chunk_ != 1 || began_torn_ || !pending_.empty()) ++counts_.uneven_chunks;
  in_chunk_ = 0;
  began_torn_ = !pending_.empty();
}

void EventCheck::take_events(std::string_view& bytes) {
  for (std::size_t end = bytes.find("\n\n"); end != std::string_view::npos; end = bytes.find("\n\n")) {
    take_event(bytes.substr(0, end));
    bytes.remove_prefix(end + 2);
    ++in_chunk_;
  }
}

void EventCheck::take_event(std::string_view event) {
  if (event.starts_with(':')) return;  // a heartbeat
  ++counts_.events;
  if (done_ && event == kStreamEnd && marks_.end != kStreamEnd) return;  // some say so whatever the API
  if (event.find(marks_.end) != std::string_view::npos) {
    counts_.wrong += done_ ? 1 : 0;
    done_ = true;
    return;
  }
  const bool whole = event.find("data:") != std::string_view::npos && event.ends_with('}') && !done_;
  const std::size_t mark = event.find(marks_.number);
  if (whole && mark == std::string_view::npos) return;  // a role, a reason, usage: what is lost shows in the numbers
  std::uint64_t number = ~std::uint64_t{0};
  if (mark != std::string_view::npos) {
    std::from_chars(event.data() + mark + marks_.number.size(), event.data() + event.size(), number);
  }
  if (!whole || number != next_) ++counts_.wrong;
  next_ = number + 1;
}

}  // namespace intragate::bench
