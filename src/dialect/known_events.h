// Events of a model's streams that needed no mending, by their shapes, with what inspect_event (openai.h) says of them:
// of others like them it would say the same. Nearly every event of nearly every stream is like one of some four.
// Owner: the streams of one loop of one model and API, and the loop itself. Thread: one. Does not: hold events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dialect/json_shape.h"
#include "dialect/openai.h"
#include "dialect/openai_mend.h"

namespace intragate::dialect {

class KnownEvents {
 public:
  struct Known {
    JsonShape shape;
    openai::EventFacts facts;  // without `text`; `usage` is that of the event which was found
    openai::Mender::Trace trace;
    bool finishes = false;  // says_finished
  };

  // The known event that `data` is like; null: none. `first`: which to try first, the last that was found; a stream's
  // own. Valid until the next call of find or learn.
  [[nodiscard]] const Known* find(std::string_view data, std::uint8_t& first);
  // `data` needed no mending.
  void learn(std::string_view data, const openai::EventFacts& facts, const openai::Mender::Trace& trace);

 private:
  std::vector<Known> known_;
  std::size_t oldest_ = 0;    // the place of the next one, once all are taken
  std::uint32_t misses_ = 0;  // that could not be learned, or made room for others: such a model is left alone
};

}  // namespace intragate::dialect
