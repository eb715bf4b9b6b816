// How this works: struct bpf_cgroup_dev_ctx holds {access_type, major, minor}, where access_type is
// (access << 16) | type, access a mask of mknod, read, write, and type block or character. The program loads these into
// registers once, then tests the rules from the last to the first: the first that matches returns its verdict.
//
//   r2 = type   r3 = access   r4 = major   r5 = minor   r1 = scratch after the loads

#include "runtime/bpf_devices.h"

#include <fmt/core.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace berth::runtime {
namespace {

enum Register : uint8_t { r0, r1, r2, r3, r4, r5 };

bpf_insn instruction(int code, Register dst, Register src, int16_t offset, int32_t value) {
  bpf_insn result{};
  result.code = static_cast<uint8_t>(code);
  result.dst_reg = static_cast<uint8_t>(dst) & 0xF;
  result.src_reg = static_cast<uint8_t>(src) & 0xF;
  result.off = offset;
  result.imm = value;
  return result;
}

bpf_insn load(Register dst, size_t field) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, dst, r1, static_cast<int16_t>(field), 0);
}
bpf_insn move(Register dst, Register src) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}
bpf_insn move(Register dst, int32_t value) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, dst, r0, 0, value);
}
bpf_insn bit_and(Register dst, int32_t value) {
  return instruction(BPF_ALU64 | BPF_AND | BPF_K, dst, r0, 0, value);
}
bpf_insn shift_right(Register dst, int32_t bits) {
  return instruction(BPF_ALU64 | BPF_RSH | BPF_K, dst, r0, 0, bits);
}
bpf_insn leave() {
  return instruction(BPF_JMP | BPF_EXIT, r0, r0, 0, 0);
}

/// Jumps whose distance is known only when the rule is complete.
bpf_insn skip_unless_equal(Register reg, int64_t value) {
  return instruction(BPF_JMP32 | BPF_JNE | BPF_K, reg, r0, 0, static_cast<int32_t>(static_cast<uint32_t>(value)));
}
bpf_insn skip_unless_zero(Register reg) {
  return instruction(BPF_JMP | BPF_JNE | BPF_K, reg, r0, 0, 0);
}

int32_t access_mask(const std::string& access) {
  int32_t mask = 0;
  for (char c : access) {
    if (c == 'r') mask |= BPF_DEVCG_ACC_READ;
    if (c == 'w') mask |= BPF_DEVCG_ACC_WRITE;
    if (c == 'm') mask |= BPF_DEVCG_ACC_MKNOD;
  }
  return mask;
}

/// Instructions of one rule; a jump of offset 0 means "past this rule" and is filled in at the end.
std::vector<bpf_insn> assemble_rule(const DeviceRule& rule) {
  std::vector<bpf_insn> code;
  if (rule.type != 'a')
    code.push_back(skip_unless_equal(r2, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
  constexpr int32_t kAll = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;
  int32_t mask = access_mask(rule.access);
  if (mask != kAll) {
    code.push_back(move(r1, r3));
    // An allowing rule has to cover all that is asked for; a denying one bites as soon as one part is asked for.
    code.push_back(bit_and(r1, rule.allow ? kAll & ~mask : mask));
    bpf_insn test = skip_unless_zero(r1);
    if (!rule.allow) test.code = BPF_JMP | BPF_JEQ | BPF_K;
    code.push_back(test);
  }
  if (rule.major >= 0) code.push_back(skip_unless_equal(r4, rule.major));
  if (rule.minor >= 0) code.push_back(skip_unless_equal(r5, rule.minor));
  code.push_back(move(r0, rule.allow ? 1 : 0));
  code.push_back(leave());
  for (size_t i = 0; i < code.size(); ++i) {
    bool jump = BPF_CLASS(code[i].code) == BPF_JMP || BPF_CLASS(code[i].code) == BPF_JMP32;
    if (jump && BPF_OP(code[i].code) != BPF_EXIT) code[i].off = static_cast<int16_t>(code.size() - i - 1);
  }
  return code;
}

long bpf(int command, bpf_attr& attributes) {
  return syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

/// Ids of the device programs of this group itself.
std::vector<uint32_t> attached_programs(sys::FdRef cgroup) {
  std::array<uint32_t, 64> ids{};
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<uint32_t>(cgroup.get());
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = reinterpret_cast<uint64_t>(ids.data());
  attributes.query.prog_cnt = ids.size();
  if (bpf(BPF_PROG_QUERY, attributes) != 0) return {};
  return {ids.begin(), ids.begin() + attributes.query.prog_cnt};
}

Status detach(sys::FdRef cgroup, uint32_t id) {
  bpf_attr attributes{};
  attributes.prog_id = id;
  sys::UniqueFd program(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, attributes)));
  if (!program.valid()) return sys_error("open the old device program", errno);
  attributes = {};
  attributes.target_fd = static_cast<uint32_t>(cgroup.get());
  attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  if (bpf(BPF_PROG_DETACH, attributes) != 0) return sys_error("detach the old device program", errno);
  return {};
}

Result<sys::UniqueFd> load(const std::vector<bpf_insn>& program) {
  static constexpr char kLicense[] = "GPL";  // no helper that needs it is called; the field must not be empty
  std::string log(4096, '\0');
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<uint64_t>(program.data());
  attributes.insn_cnt = static_cast<uint32_t>(program.size());
  attributes.license = reinterpret_cast<uint64_t>(kLicense);
  sys::UniqueFd fd(static_cast<int>(bpf(BPF_PROG_LOAD, attributes)));
  if (fd.valid()) return fd;
  int code = errno;
  attributes.log_buf = reinterpret_cast<uint64_t>(log.data());
  attributes.log_size = static_cast<uint32_t>(log.size());
  attributes.log_level = 1;
  (void)bpf(BPF_PROG_LOAD, attributes);  // once more for the verifier's words
  return sys_error(fmt::format("load the device program ({} instructions) {}", program.size(), log.c_str()), code);
}

}  // namespace

std::vector<bpf_insn> assemble_device_program(const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> program;
  program.push_back(load(r2, offsetof(bpf_cgroup_dev_ctx, access_type)));
  program.push_back(move(r3, r2));
  program.push_back(bit_and(r2, 0xFFFF));
  program.push_back(shift_right(r3, 16));
  program.push_back(load(r4, offsetof(bpf_cgroup_dev_ctx, major)));
  program.push_back(load(r5, offsetof(bpf_cgroup_dev_ctx, minor)));
  bool decided = false;
  for (auto rule = rules.rbegin(); rule != rules.rend() && !decided; ++rule) {
    std::vector<bpf_insn> code = assemble_rule(*rule);
    decided = code.size() == 2;  // matches everything: the verifier refuses code behind it that cannot be reached
    program.insert(program.end(), code.begin(), code.end());
  }
  if (!decided) {
    program.push_back(move(r0, 0));
    program.push_back(leave());
  }
  return program;
}

Status attach_device_program(sys::FdRef cgroup, const std::vector<bpf_insn>& program) {
  std::vector<uint32_t> old = attached_programs(cgroup);
  BERTH_TRY(sys::UniqueFd fd, load(program));
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(cgroup.get());
  attributes.attach_bpf_fd = static_cast<uint32_t>(fd.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, attributes) != 0) return sys_error("attach the device program", errno);
  // All attached programs must agree, so the old ones went on forbidding until here: never a moment without a rule.
  for (uint32_t id : old) BERTH_TRY_OK(detach(cgroup, id));
  return {};
}

}  // namespace berth::runtime
