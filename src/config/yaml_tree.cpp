#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "base/text.h"

namespace intragate::config {
namespace {

Place place_from(const YAML::Mark& mark) {
  return {mark.line + 1, mark.column + 1};
}

struct Unreadable {};  // thrown through the YAML parser once the problem is noted

// Builds the tree from the parser's events; refuses what unfolds.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Problems& problems) : problems_{problems} {}

  [[nodiscard]] Node take_root() { return std::move(root_); }
  [[nodiscard]] Place last_place() const { return last_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "?", anchor);
    attach({.kind = Node::Kind::null, .place = place_from(mark)});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (`*name`) are not available here", "write the value out, or `\"*\"` in quotes for a star");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    attach({.kind = Node::Kind::scalar, .place = place_from(mark), .text = value});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::sequence);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::mapping);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  // A mapping or sequence that is not complete yet.
  struct Open {
    Node node;
    std::optional<Label> label{};                        // mapping: read, its value not yet
    std::unordered_map<std::string, int> line_of_key{};  // mapping
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string message, std::string suggestion = {}) {
    problems_.add(place_from(mark), std::move(message), std::move(suggestion));
    throw Unreadable{};
  }

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    const bool tagged = !tag.empty() && tag != "?" && tag != "!";  // "?": plain, "!": in quotes
    if (anchor != YAML::NullAnchor) refuse(mark, "anchors (`&name`) are not available here", "write the value out");
    if (tagged) refuse(mark, "tags (`!name`) are not available here", "leave the tag out");
    last_ = place_from(mark);
    if (++nodes_ > kMostNodes) refuse(mark, "the file has more than " + std::to_string(kMostNodes) + " values");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    check(mark, tag, anchor);
    if (stack_.size() >= kDeepestNesting) {
      refuse(mark, "values are nested more than " + std::to_string(kDeepestNesting) + " deep");
    }
    stack_.push_back({.node = {.kind = kind, .place = place_from(mark)}});
  }

  void close() {
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    attach(std::move(node));
  }

  void attach(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
    } else if (stack_.back().node.kind == Node::Kind::sequence) {
      stack_.back().node.items.push_back(std::move(node));
    } else if (!stack_.back().label) {
      take_key(node);
    } else {
      take_value(std::move(node));
    }
  }

  void take_key(const Node& node) {
    if (node.kind != Node::Kind::scalar) {
      problems_.add(node.place, "a key must be a plain word");
      throw Unreadable{};
    }
    stack_.back().label = Label{.key = node.text, .place = node.place};
  }

  void take_value(Node node) {
    Open& mapping = stack_.back();
    Label label = std::move(*mapping.label);
    mapping.label.reset();
    const auto [known, fresh] = mapping.line_of_key.emplace(label.key, label.place.line);
    if (!fresh) {
      problems_.add(label.place, "the key " + text::quoted(label.key) + " stands here a second time",
                    "the first one is in line " + std::to_string(known->second));
      return;
    }
    if (node.kind == Node::Kind::null) node.place = label.place;  // where there is something to see
    mapping.node.items.push_back(std::move(node));
    mapping.node.labels.push_back(std::move(label));
  }

  Problems& problems_;
  Node root_;
  std::vector<Open> stack_;
  std::size_t nodes_ = 0;
  Place last_{1, 1};  // of the last value that was read
};

// The line with this number, without its comment and line end; empty when there is none.
std::string_view line_of(std::string_view text, int number) {
  for (int line = 1; line < number; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, std::min(text.find('\n'), text.find('#')));
}

bool has_bare_variable(std::string_view line) {
  const std::size_t at = line.find("${");
  if (at == std::string_view::npos) return false;
  const std::string_view before = line.substr(0, at);
  const auto even = [&](char quote) { return std::count(before.begin(), before.end(), quote) % 2 == 0; };
  return even('"') && even('\'');
}

// What was probably done wrong where the library stumbled, which may be a line later.
std::string hint_for(std::string_view text, Place place) {
  const std::string_view line = line_of(text, place.line);
  const std::string_view indent = line.substr(0, line.find_first_not_of(" \t"));
  if (indent.find('\t') != std::string_view::npos) return "indent with spaces, not tabs";
  if (has_bare_variable(line)) return "within `{…}` and `[…]` write `\"${NAME}\"` in quotes";
  std::string hint = colon_hint(line);
  return hint.empty() && place.line > 1 ? colon_hint(line_of(text, place.line - 1)) : hint;
}

// The library's sentence, with what helps where the cause is known.
void report(const YAML::Exception& error, std::string_view text, Place last, Problems& problems) {
  if (error.msg == YAML::ErrorMsg::EOF_IN_SCALAR) {  // whose own place is the end of the file
    return problems.add(last, "this is not YAML: a quote behind this place is never closed");
  }
  const bool star =
      error.msg.find("alias") != std::string::npos || error.msg.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR);
  const Place place = error.mark.is_null() ? Place{} : place_from(error.mark);
  problems.add(place, "this is not YAML: " + error.msg,
               star ? "write `\"*\"` in quotes for a star" : hint_for(text, place));
}

}  // namespace

std::optional<Node> parse_yaml(std::string_view text, Problems& problems) {
  if (text.size() > kLargestFile) {
    problems.add({}, "the file is larger than 1 MiB");
    return std::nullopt;
  }
  if (!problems.check_text(text)) return std::nullopt;
  TreeBuilder builder{problems};
  try {
    // The library takes a quote that is never closed for closed when the file's last line ends: then there must be no
    // end.
    std::istringstream stream{std::string{text} + "\n#"};
    YAML::Parser parser{stream};
    if (!parser.HandleNextDocument(builder)) {
      problems.add({}, "the file is empty");
      return std::nullopt;
    }
    if (parser.HandleNextDocument(builder)) {
      problems.add({}, "the file has more than one YAML document (`---`)");
      return std::nullopt;
    }
    return builder.take_root();
  } catch (const Unreadable&) {
    // The problem is noted.
  } catch (const YAML::Exception& error) {
    report(error, text, builder.last_place(), problems);
  } catch (const std::exception& error) {
    problems.add({}, std::string{"this is not YAML: "} + error.what());
  }
  return std::nullopt;
}

}  // namespace intragate::config
