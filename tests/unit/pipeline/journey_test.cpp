#include "pipeline/journey.h"

#include <gtest/gtest.h>

namespace intragate::pipeline {
namespace {

TEST(Journey, StationsStandInTheOrderOfTheDesign) {
  const Journey journey;
  std::string order;
  for (const Station* station : journey.stations()) order += std::string{station->name()} + " ";
  EXPECT_EQ(order, "identify understand authorize screen measure limit list_models count admit dispatch relay ");
}

}  // namespace
}  // namespace intragate::pipeline
