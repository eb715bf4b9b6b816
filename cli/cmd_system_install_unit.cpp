// `berth system install-unit`: a unit of systemd that brings containers back after a reboot, and the link by which
// `systemctl enable` makes it start.

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "cli/project.h"
#include "cli/system_commands.h"
#include "sys/file.h"
#include "sys/sealed_self.h"

namespace berth::cli {
namespace {

constexpr const char* kUnits = "/etc/systemd/system";
constexpr const char* kUnit = "/etc/systemd/system/berth.service";
constexpr const char* kWants = "/etc/systemd/system/multi-user.target.wants";
constexpr const char* kLink = "/etc/systemd/system/multi-user.target.wants/berth.service";

/// A word of a unit file: quoted, with what systemd would replace taken as it is.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || c == '$') out += c;
    out += c;
  }
  return out + "\"";
}

std::string unit(const sys::Paths& paths) {
  return fmt::format(
      "[Unit]\n"
      "Description=Containers of berth that come back by their restart policy\n"
      "Wants=network-online.target\n"
      "After=network-online.target local-fs.target\n"
      "\n"
      "[Service]\n"
      "Type=oneshot\n"
      "RemainAfterExit=yes\n"
      "Environment={} {}\n"
      "ExecStart={} system resume\n"
      "\n"
      "[Install]\n"
      "WantedBy=multi-user.target\n",
      quoted("BERTH_ROOT=" + paths.root), quoted("BERTH_RUN=" + paths.run), quoted(sys::own_program()));
}

Status install(const Context& context) {
  if (!sys::exists(kUnits))
    return make_error(fmt::format("{} is not there", kUnits), "this is for machines that systemd runs");
  BERTH_TRY_OK(sys::write_file_atomic(kUnit, unit(context.paths), sys::Durability::disk, 0644));
  BERTH_TRY_OK(sys::make_dirs(kWants, 0755));
  if (symlink(kUnit, kLink) != 0 && errno != EEXIST) return sys_error(fmt::format("make {}", kLink), errno);
  fmt::print("Created {}\nCreated {}\n", kUnit, kLink);
  return {};
}

Status uninstall() {
  for (const char* path : {kLink, kUnit}) {
    if (unlink(path) == 0)
      fmt::print("Removed {}\n", path);
    else if (errno != ENOENT)
      return sys_error(fmt::format("remove {}", path), errno);
  }
  return {};
}

}  // namespace

void add_system_install_unit(Command app, Context& context) {
  auto remove = std::make_shared<bool>(false);
  Command command = app.noun("system").add_command(
      "install-unit", "Install a systemd unit that starts containers after a reboot by their restart policy");
  command.flag("--uninstall", *remove, "Remove it");
  command.runs(context, [&context, remove] { return report(context, *remove ? uninstall() : install(context)); });
}

}  // namespace berth::cli
