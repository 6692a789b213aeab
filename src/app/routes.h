// Every URL of the client side, in one table (routes.cpp).
#pragma once

#include "pipeline/route.h"

namespace intragate::app {

[[nodiscard]] pipeline::RouteTable routes();

}  // namespace intragate::app
