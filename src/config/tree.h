// A configuration file as plain data: mappings, sequences and scalars, each with its place. Nothing here knows YAML.
// Owner: one load. Thread: any. Does not: know what keys mean (section.h), convert values (units.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/problems.h"

namespace intragate::config {

struct Label {
  std::string key;
  Place place;
};

struct Node {
  enum class Kind : std::uint8_t { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  Place place;
  std::string text{};           // scalar
  std::vector<Node> items{};    // sequence and mapping, in the file's order
  std::vector<Label> labels{};  // mapping: the key of each item; unique
};

}  // namespace intragate::config
