// Typed reading of one mapping of the file. Every reader leaves its target alone when the key is absent (the default
// stays) and when its value is unusable (a problem is noted): reading always goes on to the end. Owner: one load; views
// the tree, which outlives it. Thread: that load's. Does not: know what values mean to each other (listen.cpp,
// models.cpp, keys.cpp, file.cpp do).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "config/config.h"
#include "config/key_table.h"
#include "config/tree.h"

namespace intragate::config {

// What reading needs besides the tree.
struct Reading {
  Problems& problems;
  const Environment& environment;
  std::string folder;  // where relative paths begin; empty: the working directory
  const Hasher& hash;
  std::vector<std::string> files{};         // that secrets were read from
  std::optional<Place> open_secret{};       // the first one that stands in the text itself
  std::vector<TokenizerFile> tokenizers{};  // each once, however many endpoints share it
};

// A scalar with its `${NAME}` replaced.
struct Scalar {
  std::string text;
  std::string written;  // before replacing; messages quote only this, because variables may hold secrets
  Place place;
  [[nodiscard]] bool replaced() const { return text != written; }
};

class Section {
 public:
  // Notes every unknown, unavailable or ignored key of `mapping`, and every required one it lacks. `path` is for
  // messages: "models[0].timeouts"; empty at the top. A mapping that is none is one problem and reads as empty.
  Section(Reading& reading, const Node& mapping, std::string path);

  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  [[nodiscard]] Place place() const { return place_; }
  [[nodiscard]] Place place(std::string_view key) const;  // of the value; of the section when there is none
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path(std::string_view key) const;
  [[nodiscard]] Reading& reading() { return reading_; }

  std::optional<Scalar> scalar(std::string_view key);
  std::vector<Scalar> names(std::string_view key);
  // The entries of a mapping whose keys are not ours, in the file's order.
  std::vector<std::pair<Label, Scalar>> pairs(std::string_view key);
  // The word that stands for a choice; empty: absent or unusable.
  std::string choice(std::string_view key);
  void text(std::string_view key, std::string& into);  // no control characters, not empty, at most 4 KiB
  // The same with line ends and tabs, at most 64 KiB.
  void lines(std::string_view key, std::string& into);
  void pointer(std::string_view key, std::string& into);
  void file_path(std::string_view key, std::string& into);
  // What the file at the path holds; a change of it is a change of the configuration.
  void file_content(std::string_view key, std::string& into);
  // The same of a private key.
  void private_content(std::string_view key, Secret& into);
  void flag(std::string_view key, bool& into);
  // Ranges are those of the key table.
  void duration(std::string_view key, Duration& into);
  void size(std::string_view key, Bytes& into);
  void count(std::string_view key, std::uint64_t& into);
  void count(std::string_view key, std::uint32_t& into);  // REQUIRES: the table's range fits
  void percent(std::string_view key, std::uint32_t& into);
  void address(std::string_view key, SocketAddress& into);
  void ranges(std::string_view key, AddressList& into);
  void secret(std::string_view key, Secret& into);
  void moment(std::string_view key, std::optional<WallTime>& into);
  // The mapping below `key`, or the mappings of the list below it; nothing when absent.
  std::optional<Section> section(std::string_view key);
  std::vector<Section> sections(std::string_view key);
  // How long the list below `key` is; nothing when it is absent or no list.
  [[nodiscard]] std::optional<std::size_t> length(std::string_view key) const;

  // Notes that a value's own parser refused it; quotes nothing that came out of a variable.
  void unusable(std::string_view key, const Scalar& value, const Error& error);
  void problem(Place place, std::string message, std::string suggestion = {});
  void warn(Place place, std::string message);
  // A remark if every user can read this file, which holds a secret; `who` is for the message.
  void check_readers(Place place, const std::string& who, const std::string& file);

 private:
  [[nodiscard]] const Node* find(std::string_view key) const;
  // The key's row; every key that is read must have one (asserted, and tested for all).
  [[nodiscard]] const KeyRow& row(std::string_view key) const;
  void check_key(const Label& label);
  void check_required();
  std::optional<Scalar> expanded(const Node& node, const std::string& path);
  // A scalar through `parse`, checked against the table's range.
  template <class T, class Parse>
  void quantity(std::string_view key, T& into, Parse parse);

  Reading& reading_;
  const Node* mapping_;  // null: reads as empty
  Place place_;
  std::string path_;
};

}  // namespace intragate::config
