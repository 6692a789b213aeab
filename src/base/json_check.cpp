#include "base/json_check.h"

#include "base/json_scan.h"

namespace intragate::json {
namespace {

constexpr unsigned kDeepest = 64;  // each level is skipped once by every level around it

bool is_text(std::string_view raw) {
  return static_cast<bool>(unescape(raw));
}

bool is_sound(const Member& member, std::string_view whole, unsigned depth);

bool is_sound_object(ObjectScan scan, std::string_view whole, unsigned depth) {
  while (const std::optional<Member> member = scan.next()) {
    // The quotes around the key are in the text too.
    if (!is_text({member->key.data() - 1, member->key.size() + 2}) || !is_sound(*member, whole, depth)) return false;
  }
  return !scan.failed();
}

bool is_sound_array(ArrayScan scan, std::string_view whole, unsigned depth) {
  while (const std::optional<Member> element = scan.next()) {
    if (!is_sound(*element, whole, depth)) return false;
  }
  return !scan.failed();
}

bool is_sound(const Member& member, std::string_view whole, unsigned depth) {
  if (member.kind == Kind::string) return is_text(member.value);
  if (member.kind != Kind::object && member.kind != Kind::array) return true;  // checked by the scan
  if (depth == kDeepest) return false;
  return member.kind == Kind::object ? is_sound_object(ObjectScan::inside(whole, member.offset), whole, depth + 1)
                                     : is_sound_array(ArrayScan::inside(whole, member.offset), whole, depth + 1);
}

}  // namespace

bool is_object(std::string_view text) {
  return is_sound_object(ObjectScan{text}, text, 1);
}

}  // namespace intragate::json
