// berth-build: builds images from Dockerfiles. A program of its own, because the Dockerfile language and the builder
// would cost every other command their loading (docs/decisions/0008), and because it works in a mount namespace of its
// own.

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/build/clone.h"
#include "cli/build/jobs.h"
#include "cli/cmd_image_build.h"
#include "cli/command_line.h"
#include "cli/helper_program.h"
#include "cli/project.h"
#include "sys/file.h"
#include "sys/sealed_self.h"

namespace berth::cli {
namespace {

int image_build(const Context& context, const Result<BuildOrder>& order) {
  if (!order) return report(context, order.error());
  catch_signals();
  return build_all(context, *order);
}

/// The order on standard input.
int build_jobs(const Context& context) {
  catch_signals();
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // without the command that asked nobody wants the images
  Result<std::string> text = sys::read_all(sys::FdRef(STDIN_FILENO));
  if (!text) return report(context, text.error());
  Result<BuildOrder> order = build_order_from_json(*text);
  return order ? build_all(context, *order) : report(context, order.error());
}

}  // namespace
}  // namespace berth::cli

int main(int argc, char** argv) {
  using namespace berth::cli;
  Context context;
  context.paths = berth::sys::Paths::from_environment();
  // What runs in a build begins as a copy of us.
  if (berth::Status sealed = berth::sys::seal_self(argv); !sealed) return report(context, sealed);
  CommandLine line("Builds images for berth.", context);
  Command app = line.root();
  add_image_build(app.noun("image"), context,
                  [&](const berth::Result<BuildOrder>& order) { return image_build(context, order); });
  app.add_command("jobs").runs(context, [&] { return build_jobs(context); });
  app.add_command("clone").runs(context, [&] { return clone_program(context); });
  return line.parse_and_run(argc, argv);
}
