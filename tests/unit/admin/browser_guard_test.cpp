#include "admin/browser_guard.h"

#include <gtest/gtest.h>

namespace intragate::admin {
namespace {

constexpr std::string_view kJson = "application/json";

int status_of(const Provenance& from, Protection protection, Effect effect = Effect::changes) {
  const std::optional<Refusal> refused = refuse_pages(from, protection, effect);
  return refused ? refused->status : 200;
}

TEST(BrowserGuard, LetsAdministratorsIn) {
  for (const std::string_view host : {"127.0.0.1:8081", "localhost", "LocalHost:8081", "[::1]:8081", "10.0.0.7"}) {
    EXPECT_EQ(status_of({.host = host, .origin = {}, .content_type = kJson}, Protection::none), 200) << host;
  }
  EXPECT_EQ(status_of({.host = "gw.example", .origin = {}, .content_type = "Application/JSON; charset=utf-8"},
                      Protection::proof),
            200);
}

// A page's own name that resolves to us: its requests are of the same origin, only the name gives it away.
TEST(BrowserGuard, RefusesNamesThatAnybodyCanMakeResolveHere) {
  for (const std::string_view host :
       {"evil.example", "evil.example:8081", "127.0.0.1.evil.example", "localhost.evil.example", "[::1", "", "1.2.3"}) {
    EXPECT_EQ(status_of({.host = host, .origin = {}, .content_type = kJson}, Protection::none), 403) << host;
    EXPECT_EQ(status_of({.host = host, .origin = {}, .content_type = {}}, Protection::none, Effect::reads), 403);
  }
}

TEST(BrowserGuard, RefusesPagesOfOtherSites) {
  for (const Protection protection : {Protection::none, Protection::proof}) {
    for (const std::string_view origin :
         {"http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:8080", "127.0.0.1:8081"}) {
      EXPECT_EQ(status_of({.host = "127.0.0.1:8081", .origin = origin, .content_type = kJson}, protection), 403)
          << origin;
    }
    EXPECT_EQ(
        status_of({.host = "127.0.0.1:8081", .origin = "http://127.0.0.1:8081", .content_type = kJson}, protection),
        200);
  }
}

TEST(BrowserGuard, BelievesABrowserThatAPageOfAnotherSiteAsks) {
  for (const Protection protection : {Protection::none, Protection::proof}) {
    for (const std::string_view site : {"cross-site", "same-site", "whatever comes next"}) {
      EXPECT_EQ(status_of({.host = "localhost", .origin = {}, .content_type = {}, .fetch_site = site}, protection,
                          Effect::reads),
                403)
          << site;
    }
    for (const std::string_view site : {"", "none", "same-origin"}) {
      EXPECT_EQ(status_of({.host = "localhost", .origin = {}, .content_type = {}, .fetch_site = site}, protection,
                          Effect::reads),
                200)
          << site;
    }
  }
}

TEST(BrowserGuard, ChangesNeedAContentTypeThatFormsCannotSend) {
  for (const std::string_view type : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                                      "text/plain; x=application/json", "application/jsonp"}) {
    EXPECT_EQ(status_of({.host = "localhost", .origin = {}, .content_type = type}, Protection::none), 415) << type;
    EXPECT_EQ(status_of({.host = "localhost", .origin = {}, .content_type = type}, Protection::none, Effect::reads),
              200);
  }
}

}  // namespace
}  // namespace intragate::admin
