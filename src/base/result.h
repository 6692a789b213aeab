// Result<T>: a value, or the Error that explains why there is none. Returned by everything that can fail for reasons of
// the world (peers, files, clocks); what our own code guarantees is asserted instead.
// Owner: the caller; a plain value. Thread: any. Does not: throw, log, count.
#pragma once

#include <cassert>
#include <utility>
#include <variant>

#include "base/error.h"

namespace intragate {

// The value of a Result that has nothing to say but "it worked".
struct Unit {};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_{std::in_place_index<0>, std::move(value)} {}      // implicit: `return value;`
  Result(Error error) : state_{std::in_place_index<1>, std::move(error)} {}  // implicit: `return error;`

  explicit operator bool() const noexcept { return state_.index() == 0; }

  // REQUIRES: the result holds a value.
  T& operator*() & {
    assert(*this);
    return *std::get_if<0>(&state_);
  }
  const T& operator*() const& {
    assert(*this);
    return *std::get_if<0>(&state_);
  }
  T&& operator*() && {
    assert(*this);
    return std::move(*std::get_if<0>(&state_));
  }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }

  // REQUIRES: the result holds an error.
  Error& error() & {
    assert(!*this);
    return *std::get_if<1>(&state_);
  }
  const Error& error() const& {
    assert(!*this);
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    assert(!*this);
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

}  // namespace intragate
