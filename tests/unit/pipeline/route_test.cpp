#include "pipeline/route.h"

#include <gtest/gtest.h>

#include "app/routes.h"

namespace intragate::pipeline {
namespace {

RouteMatch find(std::string_view target) {
  return find_route(app::routes(), target);
}

TEST(Route, PathsAnswerWithAndWithoutVersion) {
  for (const std::string_view target : {"/v1/chat/completions", "/chat/completions", "/v1/chat/completions/",
                                        "/chat/completions?x=1", "http://gateway:8080/v1/chat/completions"}) {
    const RouteMatch match = find(target);
    ASSERT_NE(match.route, nullptr) << target;
    EXPECT_EQ(match.route->api, llm::Api::chat) << target;
  }
}

TEST(Route, ModelNameIsTheRestOfThePath) {
  const RouteMatch match = find("/v1/models/Qwen/Qwen2.5-7B");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->api, llm::Api::model);
  EXPECT_EQ(match.rest, "Qwen/Qwen2.5-7B");
  EXPECT_EQ(find("/v1/models/").route->api, llm::Api::models);
}

TEST(Route, PastedEndpointIsRecognised) {
  EXPECT_TRUE(find("/v1/chat/completions/chat/completions").pasted_endpoint);
  EXPECT_TRUE(find("/chat/completions/v1/embeddings").pasted_endpoint);
  EXPECT_FALSE(find("/v1/nothing").pasted_endpoint);
}

TEST(Route, StrangePathsAreNothing) {
  for (const std::string_view target : {"/", "*", "/v1", "/v1/", "/v1//chat/completions", "/v2/chat/completions",
                                        "/metrics", "/v1/../v1/models", "x", "http://gateway"}) {
    EXPECT_EQ(find(target).route, nullptr) << target;
  }
}

}  // namespace
}  // namespace intragate::pipeline
