#include "cli/transfer.h"

#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "cli/helper.h"
#include "cli/terminal.h"
#include "sys/file.h"
#include "sys/pidfd.h"

namespace berth::cli {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Transfer::Item, image, platform)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Transfer, items, push, ignore_failures, quiet)

std::string to_json_text(const Transfer& transfer) {
  return nlohmann::json(transfer).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Transfer> transfer_from_json(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<Transfer>();
  } catch (const nlohmann::json::exception& problem) {
    return make_error(std::string("transfer request: ") + problem.what());
  }
}

Result<int> carry_out(const Context& context, const Transfer& transfer) {
  BERTH_TRY(std::string program, helper("berth-images"));
  BERTH_TRY(sys::UniqueFd request, sys::memory_file("transfer", to_json_text(transfer)));
  // Its signals are those of the terminal's foreground group as ours are; ours are passed on as well, for whoever
  // signals this process alone.
  std::string progress = "--progress=" + context.progress, ansi = "--ansi=" + context.ansi;
  char* arguments[] = {program.data(), progress.data(), ansi.data(), const_cast<char*>("transfer"), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, request.get(), STDIN_FILENO);
  pid_t pid = -1;
  int error = posix_spawn(&pid, program.c_str(), &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return sys_error("start " + program, error);
  Result<sys::Pidfd> child = sys::Pidfd::open(pid);
  if (!child) return std::move(child).error();
  pass_signals_until_exit(*child);
  return reap(*child);
}

}  // namespace berth::cli
