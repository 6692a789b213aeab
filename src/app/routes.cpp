#include "app/routes.h"

#include <array>

namespace intragate::app {
namespace {

using llm::Api;
using pipeline::Method;
using pipeline::Route;

// Each path answers with and without /v1 in front. The admin side's URLs are in admin/server.cpp.
constexpr std::array kRoutes{
    Route{"/chat/completions", Method::post, Api::chat},
    Route{"/completions", Method::post, Api::completions},
    Route{"/embeddings", Method::post, Api::embeddings},
    Route{"/rerank", Method::post, Api::rerank},
    Route{"/audio/speech", Method::post, Api::speech},
    Route{"/audio/transcriptions", Method::post, Api::transcription},
    Route{"/messages", Method::post, Api::messages},
    Route{"/messages/count_tokens", Method::post, Api::count_tokens},
    Route{"/responses", Method::post, Api::responses},
    Route{"/models", Method::get, Api::models},
    Route{"/models/", Method::get, Api::model},  // a name follows; it may hold slashes
};

}  // namespace

pipeline::RouteTable routes() {
  return kRoutes;
}

}  // namespace intragate::app
