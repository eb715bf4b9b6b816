#include "cli/doctor/scan.h"

#include <algorithm>
#include <set>

namespace berth::cli::doctor {
namespace {

Things look(const sys::Paths& paths) {
  const Owners owners = Owners::read(paths);
  Things all;
  for (auto part : {scan_groups, scan_helpers, scan_links, scan_rules, scan_mounts, scan_files}) {
    Things found = part(owners);
    all.insert(all.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
  return all;
}

}  // namespace

Things scan(const sys::Paths& paths) {
  // Twice: what has come since the first look at the records is on record in the second, and what was on its way out
  // has gone.
  std::set<std::pair<std::string, std::string>> owned;
  for (const Thing& thing : look(paths)) {
    if (thing.standing == Standing::owned) owned.emplace(thing.kind, thing.name);
  }
  Things things = look(paths);
  std::erase_if(things, [&](const Thing& thing) {
    return thing.standing != Standing::owned && owned.contains({thing.kind, thing.name});
  });
  return things;
}

}  // namespace berth::cli::doctor
