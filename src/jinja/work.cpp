#include "jinja/work.h"

namespace intragate::jinja {
namespace {

constexpr std::size_t kLongestReason = 500;

std::string shortened(std::string why) {
  if (why.size() <= kLongestReason) return why;
  std::size_t end = kLongestReason;
  while (end > 0 && (static_cast<unsigned char>(why[end]) & 0xC0U) == 0x80U) --end;  // not within a character
  return why.substr(0, end) + "…";
}

}  // namespace

Work::~Work() {
  for (const auto& space : spaces_) space->fields = {};
}

Value Work::new_space(Object fields) {
  if (!make(sizeof(Namespace))) return {};
  spaces_.push_back(std::make_shared<Namespace>(Namespace{std::move(fields)}));
  return spaces_.back();
}

bool Work::step(std::size_t count) {
  if (failed()) return false;
  if (count > limits_.steps - steps_) {
    error_ = make_error(Code::invalid_request, "the request is more than the template of this model may work on")
                 .because("line " + std::to_string(line_) + ": more than " + std::to_string(limits_.steps) + " steps");
    return false;
  }
  steps_ += count;
  return true;
}

bool Work::make(std::size_t bytes) {
  if (!step(bytes / 64)) return false;
  if (bytes > limits_.made - made_) {
    error_ = make_error(Code::invalid_request, "the request is more than the template of this model may work on")
                 .because("line " + std::to_string(line_) + ": more than " + std::to_string(limits_.made) + " bytes");
    return false;
  }
  made_ += bytes;
  return true;
}

Value Work::fail(std::string why) {
  if (!failed()) {
    error_ = make_error(Code::internal, "the template of this model could not be applied to this request")
                 .because("line " + std::to_string(line_) + ": " + shortened(std::move(why)));
  }
  return {};
}

Value Work::refuse(std::string why) {
  if (!failed()) {
    error_ = make_error(Code::invalid_request,
                        "the template of this model refuses the request: " + shortened(std::move(why)))
                 .because("line " + std::to_string(line_) + ": raise_exception");
  }
  return {};
}

}  // namespace intragate::jinja
