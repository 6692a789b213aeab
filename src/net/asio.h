// What a Loop holds of Asio. Included only by .cpp files of net/: Asio's headers are heavy, and nothing above knows
// them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/loop.h"

namespace intragate::net {

struct Loop::Asio {
  boost::asio::io_context context{1};
  boost::asio::posix::stream_descriptor watched{context};  // the reactor's epoll descriptor
  boost::asio::steady_timer timer{context};                // the wheel's next look
};

}  // namespace intragate::net
