#include <memory>

#include "cli/commands.h"
#include "cli/project.h"

namespace berth::cli {
namespace {

struct Refused {
  const char* name;
  const char* why;
};
constexpr Refused kRefused[] = {
    {"alpha", "Compose's experimental commands are not there"},
    {"bridge", "there are no converters to other platforms"},
    {"manifest", "images are of one platform; `berth image inspect` shows one that is here"},
    {"publish", "stacks are not kept in registries; `berth config` prints one as a file"},
};

}  // namespace

void add_refused(Command app, Context& context) {
  for (const Refused& one : kRefused) {
    auto words = std::make_shared<std::vector<std::string>>();
    Command command = app.add_command(one.name).hidden();
    command.rest(*words, 0, "");
    command.dry_runs(context);
    command.runs(context, [&context, one, words] {
      return report(context, make_error(std::string(one.name) + " is not supported: " + one.why));
    });
  }
}

}  // namespace berth::cli
