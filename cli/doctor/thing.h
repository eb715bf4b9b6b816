#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::cli::doctor {

enum class Standing : uint8_t {
  owned,
  leftover,   // nobody's: --fix removes it
  uncertain,  // perhaps somebody's: it is shown and left alone
};

/// Something that berth made and that outlives its maker.
struct Thing {
  std::string kind;  // "process", "interface", …
  std::string name;
  std::string detail;
  std::string owner;  // "container shop-web-1", "network shop_default", "berth"; empty: nobody
  Standing standing = Standing::owned;
  std::string why;                 // where it has no owner
  std::function<Status()> remove;  // Ok if it has gone already; empty: it goes with another
};

using Things = std::vector<Thing>;

}  // namespace berth::cli::doctor
