#include "app/reach.h"

#include <gtest/gtest.h>

namespace intragate::app {
namespace {

TEST(Reach, EveryEndpointOfEveryModelIsADestination) {
  config::Config config;
  for (const char* name : {"a", "b"}) {
    config::Model model;
    model.name = name;
    for (const char* host : {"10.0.0.1", "10.0.0.2"}) {
      config::Endpoint endpoint;
      endpoint.host = host;
      endpoint.port = 8000;
      model.endpoints.push_back(endpoint);
    }
    config.models.push_back(model);
  }
  const std::vector<Destination> all = destinations(config);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[3].what, "model b, endpoint 2");
  EXPECT_EQ(all[3].host, "10.0.0.2");
  EXPECT_EQ(all[3].port, 8000);
}

TEST(Reach, EgressIsAskedForEveryAddress) {
  const std::vector<Reach> all =
      resolve_all({{"near", "10.0.0.1", 80}, {"far", "203.0.113.9", 443}}, AddressList::private_ranges());
  ASSERT_EQ(all.size(), 2U);
  ASSERT_EQ(all[0].addresses.size(), 1U);
  EXPECT_TRUE(all[0].addresses[0].allowed);
  ASSERT_EQ(all[1].addresses.size(), 1U);
  EXPECT_FALSE(all[1].addresses[0].allowed);
  EXPECT_EQ(all[1].addresses[0].address.text(), "203.0.113.9:443");
}

TEST(Reach, NameServersAreReadAsTheLibraryReadsThem) {
  EXPECT_EQ(name_servers("# comment\nsearch x\nnameserver 10.0.0.53\n nameserver\t::1 # second\noptions x\n"
                         "nameserverx 1.1.1.1\nnameserver 10.0.0.54"),
            (std::vector<std::string>{"10.0.0.53", "::1", "10.0.0.54"}));
  EXPECT_TRUE(name_servers("").empty());
}

}  // namespace
}  // namespace intragate::app
