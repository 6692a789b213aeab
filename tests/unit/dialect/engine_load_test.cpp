#include "dialect/engine_load.h"

#include <gtest/gtest.h>

namespace intragate::dialect {
namespace {

TEST(EngineLoad, ReadsVllm) {
  const auto load = read_engine_load(
      "# HELP vllm:num_requests_waiting Number of requests waiting to be processed.\n"
      "# TYPE vllm:num_requests_waiting gauge\n"
      "vllm:num_requests_running{engine=\"0\",model_name=\"Qwen/Qwen2.5-7B-Instruct\"} 12.0\n"
      "vllm:num_requests_waiting{engine=\"0\",model_name=\"Qwen/Qwen2.5-7B-Instruct\"} 3.0\n"
      "vllm:num_requests_waiting{engine=\"1\",model_name=\"Qwen/Qwen2.5-7B-Instruct\"} 1.0\n"
      "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"Qwen/Qwen2.5-7B-Instruct\"} 0.25\n"
      "vllm:kv_cache_usage_perc{engine=\"1\",model_name=\"Qwen/Qwen2.5-7B-Instruct\"} 0.75\n");
  ASSERT_TRUE(load);
  EXPECT_EQ(load->waiting, 4) << "all engines together";
  EXPECT_EQ(load->cache_used, 0.75) << "the fullest one";
}

TEST(EngineLoad, ReadsSglangAndLlamaCpp) {
  const auto sglang =
      read_engine_load("sglang:token_usage{model_name=\"m\"} 0.52\nsglang:num_queue_reqs{model_name=\"m\"} 4\n");
  ASSERT_TRUE(sglang);
  EXPECT_EQ(sglang->waiting, 4);
  EXPECT_EQ(sglang->cache_used, 0.52);
  const auto llama = read_engine_load("llamacpp:requests_processing 1\r\nllamacpp:requests_deferred 2\r\n");
  ASSERT_TRUE(llama);
  EXPECT_EQ(llama->waiting, 2);
}

TEST(EngineLoad, LabelsMayHoldAnything) {
  const auto load = read_engine_load("vllm:num_requests_waiting{model_name=\"a} 9 {\\\" x\"} 5 1700000000000\n");
  ASSERT_TRUE(load);
  EXPECT_EQ(load->waiting, 5);
}

TEST(EngineLoad, OtherPagesSayNothing) {
  for (const char* page :
       {"", "\n\n", "<html>vllm:num_requests_waiting 3</html>", "http_requests_total 5\n",
        "vllm:num_requests_waiting\n", "vllm:num_requests_waiting NaN\n", "vllm:num_requests_waiting -1\n",
        "vllm:num_requests_waiting 3x\n", "vllm:num_requests_waiting{a=\"b\" 3\n", "# vllm:num_requests_waiting 3\n"}) {
    EXPECT_FALSE(read_engine_load(page)) << page;
  }
}

TEST(EngineRunning, IsAddedUpOverAllParts) {
  EXPECT_EQ(
      read_engine_running("vllm:num_requests_running{engine=\"0\"} 2\nvllm:num_requests_running{engine=\"1\"} 3\n"), 5);
  EXPECT_EQ(read_engine_running("llamacpp:requests_processing 0\n"), 0);
  EXPECT_FALSE(read_engine_running("up 1\n"));
}

TEST(EngineSlots, AreReadFromTheTopLevelOnly) {
  EXPECT_EQ(read_total_slots(R"({"default_generation_settings":{"total_slots":9},"total_slots":4,"model_path":"x"})"),
            4U);
  EXPECT_FALSE(read_total_slots(R"({"default_generation_settings":{"total_slots":9}})"));
}

TEST(EngineSlots, NonsenseIsNoNumberOfSlots) {
  for (const char* page : {"", "[]", "4", R"({"total_slots":0})", R"({"total_slots":-1})", R"({"total_slots":100001})",
                           R"({"total_slots":"4"})", R"({"total_slots":4)", R"({"total_slots":1.5})"}) {
    EXPECT_FALSE(read_total_slots(page)) << page;
  }
}

}  // namespace
}  // namespace intragate::dialect
