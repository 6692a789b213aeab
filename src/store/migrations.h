// What the store's tables look like, version by version. Owner: none. Thread: the database's.
// Rule: a step that has been released is never changed; a new one is added behind it.
#pragma once

#include "store/database.h"

namespace intragate::store {

// Brings the tables to this program's version, all or nothing; keeps what they hold. Errors: io, also when a newer
// version of the program has been here.
Result<Unit> migrate(Database& database);

}  // namespace intragate::store
