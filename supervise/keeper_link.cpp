#include "supervise/keeper_link.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "engine/log_reader.h"
#include "sys/file.h"
#include "sys/sealed_self.h"
#include "sys/unix_socket.h"

namespace berth::supervise {
namespace {

keeper::Message message_of(keeper::Op op, const std::string& key) {
  BERTH_CHECK(key.size() < keeper::kKeySize);
  keeper::Message message{};
  message.op = op;
  std::memcpy(message.key, key.data(), key.size());
  return message;
}

std::string_view bytes_of(const keeper::Message& message) {
  return {reinterpret_cast<const char*>(&message), sizeof message};
}

sys::UniqueFd duplicate(int fd) {
  return sys::UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 10));
}

std::vector<int> numbers(const std::vector<sys::UniqueFd>& fds) {
  std::vector<int> all;
  for (const sys::UniqueFd& fd : fds) all.push_back(fd.get());
  return all;
}

/// The keeper lies beside the supervisor, in the build tree as well as installed.
std::string keeper_program() {
  std::string own = sys::own_program();
  return own.substr(0, own.rfind('/') + 1) + "berth-keeper";
}

}  // namespace

KeeperLink::KeeperLink(asio::io_context& io, std::string run_dir)
    : run_dir_(std::move(run_dir)), control_(io, fcntl(keeper::kControlFd, F_DUPFD_CLOEXEC, 10)) {
  listener_ = duplicate(keeper::kListenFd);
  exits_ = duplicate(keeper::kExitsFd);
  for (int fd : {keeper::kControlFd, keeper::kListenFd, keeper::kExitsFd}) sys::UniqueFd closer(fd);
}

Result<std::unique_ptr<KeeperLink>> KeeperLink::open(asio::io_context& io, std::string run_dir) {
  if (fcntl(keeper::kControlFd, F_GETFD) < 0) return make_error("berth-supervisor is started by berth-keeper");
  std::unique_ptr<KeeperLink> link(new KeeperLink(io, std::move(run_dir)));
  BERTH_TRY_OK(link->receive_all_stored());
  return link;
}

Status KeeperLink::receive_all_stored() {
  for (;;) {
    BERTH_TRY(sys::Message received,
              sys::receive_with_fds(sys::FdRef(control_.native_handle()), sizeof(keeper::Message)));
    if (received.data.size() != sizeof(keeper::Message)) return make_error("the keeper has gone");
    keeper::Message message;
    std::memcpy(&message, received.data.data(), sizeof message);
    generation_ = message.generation;
    if (message.op == keeper::Op::ready) return {};
    if (message.op == keeper::Op::stored) receive_stored(message, std::move(received.fds));
  }
}

void KeeperLink::receive_stored(const keeper::Message& message, std::vector<sys::UniqueFd> fds) {
  stored_[std::string(message.key, strnlen(message.key, keeper::kKeySize))] = std::move(fds);
}

std::vector<sys::UniqueFd> KeeperLink::stored(const std::string& key) const {
  std::vector<sys::UniqueFd> copies;
  auto found = stored_.find(key);
  if (found == stored_.end()) return copies;
  for (const sys::UniqueFd& fd : found->second) copies.push_back(duplicate(fd.get()));
  return copies;
}

std::vector<std::string> KeeperLink::stored_keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, fds] : stored_) keys.push_back(key);
  return keys;
}

void KeeperLink::send(const keeper::Message& message, const std::vector<sys::FdRef>& fds) {
  // A keeper that is gone is noticed by wait_for_keeper(); what was to be said to it is in stored_.
  (void)sys::send_with_fds(sys::FdRef(control_.native_handle()), bytes_of(message), fds);
}

void KeeperLink::store(const std::string& key, const std::vector<sys::FdRef>& fds) {
  std::vector<sys::UniqueFd> copies;
  for (sys::FdRef fd : fds) copies.push_back(duplicate(fd.get()));
  stored_[key] = std::move(copies);
  send(message_of(keeper::Op::store, key), fds);
}

void KeeperLink::drop(const std::string& key) {
  if (stored_.erase(key) == 0) return;
  send(message_of(keeper::Op::drop, key), {});
  ++dropped_;
}

asio::awaitable<bool> KeeperLink::catch_up() {
  const uint64_t mark = dropped_;
  if (closed_ >= mark) co_return false;
  co_await drain();
  closed_ = std::max(closed_, mark);
  co_return true;
}

Work KeeperLink::drain() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) co_return;
  asio::posix::stream_descriptor ours(control_.get_executor(), ends[0]);
  sys::UniqueFd keepers(ends[1]);
  send(message_of(keeper::Op::sync, ""), {keepers.ref()});
  keepers.reset();
  // A keeper of an older berth knows nothing of this and closes nothing.
  asio::steady_timer patience(control_.get_executor(), std::chrono::seconds(2));
  patience.async_wait([&ours](boost::system::error_code cancelled) {
    if (!cancelled) ours.cancel();
  });
  (void)co_await ours.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
}

void KeeperLink::know_pump(const std::string& id, const Output& output) {
  Pump& pump = pumps_[id] = {output.limits, {}};
  for (sys::FdRef fd : {output.directory, output.out, output.err}) {
    if (fd.valid()) pump.fds.push_back(duplicate(fd.get()));
  }
}

void KeeperLink::pump(const std::string& id, const Output& output) {
  know_pump(id, output);
  std::vector<sys::FdRef> fds;
  for (const sys::UniqueFd& fd : pumps_[id].fds) fds.push_back(fd.ref());
  keeper::Message message = message_of(keeper::Op::pump, "");
  message.log = output.limits;
  send(message, fds);
}

void KeeperLink::leave() {
  leaving_ = true;
  send(message_of(keeper::Op::leave, ""), {});
}

void KeeperLink::listen(Handlers handlers) {
  handlers_ = std::move(handlers);
  read_exits();
  wait_for_keeper();
}

void KeeperLink::read_exits() {
  ExitRecord record;
  while (read(exits_.get(), &record, sizeof record) == sizeof record) handlers_.exited(record);
}

void KeeperLink::wait_for_keeper() {
  control_.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
    if (error) return;
    keeper::Message message;
    ssize_t n = recv(control_.native_handle(), &message, sizeof message, MSG_DONTWAIT);
    if (n == 0 && !leaving_) become_keeper();
    if (n == 0) return;
    read_exits();
    wait_for_keeper();
  });
}

void KeeperLink::become_keeper() {
  // Containers now belong to init, which reaps them; their new keeper learns how they ended from their pidfds
  // (containers_adopt.cpp).
  struct Record {
    keeper::Message message;
    int count;
    int fds[keeper::kMaxFds];
  };
  sys::UniqueFd table(memfd_create("berth-adopt", 0));
  auto add = [&](const keeper::Message& message, const std::vector<int>& fds) {
    Record record{message, 0, {}};
    for (int fd : fds) {
      fcntl(fd, F_SETFD, 0);
      record.fds[record.count++] = fd;
    }
    if (write(table.get(), &record, sizeof record) != sizeof record) _exit(1);
  };
  add(message_of(keeper::Op::store, "listen"), {listener_.get()});
  for (const auto& [key, fds] : stored_) add(message_of(keeper::Op::store, key), numbers(fds));
  for (const auto& [id, pump] : pumps_) {
    keeper::Message message = message_of(keeper::Op::pump, "");
    message.log = pump.limits;
    message.log.newest = engine::LogReader::newest(fmt::format("/proc/self/fd/{}", pump.fds.front().get()));
    add(message, numbers(pump.fds));
  }
  std::string keeper = keeper_program(), own = sys::own_program(), number = std::to_string(table.get());
  const char* argv[] = {"berth-keeper", run_dir_.c_str(), own.c_str(), "--adopt", number.c_str(), nullptr};
  execv(keeper.c_str(), const_cast<char**>(argv));
  _exit(1);  // the next command starts a keeper and a supervisor, which adopt what lives
}

}  // namespace berth::supervise
