// create, scale and plan: `up` with less said, less done, or only shown.

#include <memory>

#include "cli/commands.h"
#include "cli/project.h"
#include "cli/request.h"
#include "cli/up_flags.h"

namespace berth::cli {
namespace {

constexpr int kChanges = 2;  // exit code of a plan that is not empty

int converge(const Context& context, const ConvergeFlags& flags) {
  int code = 1;
  std::vector<Errand> errands;
  std::optional<engine::UpRequest> request = prepare_up(context, flags, errands, code);
  if (!request) return code;
  const engine::Json message = engine::to_message(*request);
  return context.dry_run ? dry_run(context, message, std::move(errands)) : carry_out(context, message);
}

/// The services of `SERVICE=NUMBER` pairs: those whose number is to change.
std::vector<std::string> names_of(const std::vector<std::string>& pairs) {
  std::vector<std::string> names;
  for (const std::string& pair : pairs) names.push_back(pair.substr(0, pair.find('=')));
  return names;
}

int plan(Context& context, const ConvergeFlags& flags, bool as_json) {
  context.dry_run = true;  // for all that is done on the way
  int code = 1;
  Preview preview;
  std::optional<engine::UpRequest> request = prepare_up(context, flags, preview.errands, code);
  if (!request) return code;
  Result<engine::Plan> made = plan_of(context, engine::to_message(*request));
  if (!made) return report(context, made.error());
  preview.plan = std::move(*made);
  if (!show(context, preview, as_json)) return 1;
  return changes_anything(preview) ? kChanges : 0;
}

}  // namespace

void add_create(Command app, Context& context) {
  auto flags = std::make_shared<ConvergeFlags>();
  Command command = app.add_command("create", "Creates containers for a service");
  add_create_flags(command, *flags);
  command.dry_runs(context);
  command.runs(context, [&context, flags] {
    flags->no_start = true;
    return converge(context, *flags);
  });
}

void add_scale(Command app, Context& context) {
  auto flags = std::make_shared<ConvergeFlags>();
  Command command = app.add_command("scale", "Scale services");
  command.option("SERVICE", flags->scale, "SERVICE=REPLICAS: how many containers each of these services is to have")
      .required();
  command.flag("--no-deps", flags->no_deps, "Don't start linked services");
  command.dry_runs(context);
  command.runs(context, [&context, flags] {
    flags->services = names_of(flags->scale);
    flags->known_only = true;
    return converge(context, *flags);
  });
}

void add_plan(Command app, Context& context) {
  auto flags = std::make_shared<ConvergeFlags>();
  auto format = std::make_shared<std::string>("text");
  Command command = app.add_command("plan", "Show what `up` would do, and why");
  add_converge_flags(command, *flags);
  command.option("--format", *format, "Format the output (\"text\"|\"json\")").one_of({"text", "json"});
  command.footer("Exit code: 0 if there is nothing to do, 2 if there is, 1 after an error");
  command.dry_runs(context);
  command.runs(context, [&context, flags, format] { return plan(context, *flags, *format == "json"); });
}

}  // namespace berth::cli
