#include "cli/orphans.h"

#include "cli/context.h"

namespace berth::cli {

Result<Orphans> Orphans::of(bool remove_flag, const std::map<std::string, std::string>& environment) {
  auto says_yes = [&](const char* name) {
    auto found = environment.find(name);
    return found != environment.end() && means_yes(found->second);
  };
  Orphans orphans{remove_flag || says_yes("COMPOSE_REMOVE_ORPHANS"), says_yes("COMPOSE_IGNORE_ORPHANS")};
  if (orphans.remove && orphans.ignore)
    return make_error("cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans",
                      "unset COMPOSE_IGNORE_ORPHANS, or leave out --remove-orphans and COMPOSE_REMOVE_ORPHANS");
  return orphans;
}

}  // namespace berth::cli
