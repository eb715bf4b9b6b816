#include "runtime/binfmt.h"

#include <elf.h>
#include <fmt/core.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

struct Machine {
  std::string_view architecture;  // as images name it
  std::string_view kernel;        // as uname(2) does
  unsigned elf;                   // e_machine
  bool little_endian = true;
};

constexpr Machine kMachines[] = {
    {"386", "i686", EM_386},          {"amd64", "x86_64", EM_X86_64},   {"arm", "armv7l", EM_ARM},
    {"arm64", "aarch64", EM_AARCH64}, {"loong64", "loongarch64", 258},  {"mips64le", "mips64", EM_MIPS},
    {"ppc64le", "ppc64le", EM_PPC64}, {"riscv64", "riscv64", EM_RISCV}, {"s390x", "s390x", EM_S390, false}};

/// Bytes 18 and 19 of a program say what machine it is for; a handler's magic begins with those of a program.
std::string machine_bytes(const Machine& machine) {
  char low = static_cast<char>(machine.elf & 0xff), high = static_cast<char>(machine.elf >> 8);
  return to_hex(machine.little_endian ? std::string{low, high} : std::string{high, low});
}

struct Handler {
  bool enabled = false, kept_open = false;
  std::string magic;
};

Handler parse_handler(const std::string& text) {
  Handler handler;
  for (const std::string& line : split(text, '\n')) {
    if (line == "enabled") handler.enabled = true;
    if (line.starts_with("magic ")) handler.magic = line.substr(6);
    if (line.starts_with("flags:")) handler.kept_open = line.find('F') != std::string::npos;
  }
  return handler;
}

}  // namespace

Status can_execute(const std::string& architecture, const std::string& handlers) {
  utsname host{};
  uname(&host);
  const Machine* machine = nullptr;
  for (const Machine& one : kMachines) {
    if (one.architecture == architecture) machine = &one;
  }
  bool native = machine != nullptr && (machine->kernel == host.machine ||
                                       (architecture == "386" && std::string_view(host.machine) == "x86_64"));
  if (architecture.empty() || native) return {};
  bool closed = false;
  Result<std::vector<std::string>> names = sys::list_dir(handlers);
  for (size_t i = 0; machine != nullptr && names && i < names->size(); ++i) {
    Result<std::string> text = sys::read_file(handlers + "/" + (*names)[i]);
    Handler handler = parse_handler(text ? *text : "");
    constexpr size_t kMachineAt = 2 * 18;
    bool for_it = handler.enabled && handler.magic.starts_with(to_hex(ELFMAG)) &&
                  handler.magic.size() >= kMachineAt + 4 &&
                  handler.magic.substr(kMachineAt, 4) == machine_bytes(*machine);
    if (for_it && handler.kept_open) return {};
    closed = closed || for_it;
  }
  return make_error(
      fmt::format("programs for {} do not run on this machine ({})", printable(architecture), host.machine),
      closed ? "binfmt_misc has a handler for them, but without the flag F it does not work in containers"
             : "an emulator registered with binfmt_misc would run them (Debian: qemu-user-static)");
}

}  // namespace berth::runtime
