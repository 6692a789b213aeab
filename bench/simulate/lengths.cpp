#include "lengths.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace intragate::simulate {
namespace {

constexpr std::array kShares{0.0, .01, .05, .1, .2, .3, .4, .5, .6, .7, .8, .9, .95, .99, .999, 1.0};
using Quantiles = std::array<double, kShares.size()>;
constexpr Quantiles kConversationPrompt{2,    29,   181,  207,  387,  403,  703,  1020,
                                        1071, 1130, 1315, 2734, 4083, 4142, 6122, 14050};
constexpr Quantiles kConversationAnswer{7, 16, 41, 54, 77, 91, 103, 129, 177, 384, 400, 424, 451, 601, 954, 1000};
constexpr Quantiles kCodePrompt{3, 17, 75, 147, 385, 770, 1075, 1469, 1909, 2433, 3192, 5186, 7302, 7436, 7437, 7437};
constexpr Quantiles kCodeAnswer{6, 6, 6, 7, 8, 9, 11, 13, 16, 20, 29, 55, 90, 249, 824, 1899};

// Between two quantiles all values are equally likely.
std::uint64_t draw(const Quantiles& quantiles, Random& random) {
  const double share = random.unit();
  const auto above = std::upper_bound(kShares.begin(), kShares.end(), share);
  const auto index = static_cast<std::size_t>(above - kShares.begin());
  const double part = (share - kShares[index - 1]) / (kShares[index] - kShares[index - 1]);
  return static_cast<std::uint64_t>(quantiles[index - 1] + part * (quantiles[index] - quantiles[index - 1]));
}

}  // namespace

Length draw_length(Kind kind, Random& random) {
  if (kind == Kind::code) return {.prompt = draw(kCodePrompt, random), .answer = draw(kCodeAnswer, random)};
  return {.prompt = draw(kConversationPrompt, random), .answer = draw(kConversationAnswer, random)};
}

// Gamma with shape 1/2 and mean m is m times the square of a standard normal number.
double draw_pause(double mean, Random& random) {
  constexpr double kPi = 3.14159265358979323846;
  const double radius = std::sqrt(-2 * std::log(1 - random.unit()));
  const double normal = radius * std::cos(2 * kPi * random.unit());
  return mean * normal * normal;
}

}  // namespace intragate::simulate
