#include "netns/netlink.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace berth::netns {
namespace {

constexpr size_t kReceiveBuffer = 64 << 10;  // the kernel's dumps come in pieces of 32 KiB at most

size_t aligned(size_t size) {
  return (size + NLMSG_ALIGNTO - 1) & ~size_t{NLMSG_ALIGNTO - 1};
}

/// The kernel's explanation behind an error message (NETLINK_EXT_ACK), or "".
std::string_view explanation(const nlmsghdr& message) {
  std::string_view words;
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return words;
  size_t header = sizeof(nlmsgerr);
  if ((message.nlmsg_flags & NLM_F_CAPPED) == 0) {
    const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(&message));
    header += aligned(error->msg.nlmsg_len) - sizeof(nlmsghdr);
  }
  visit_attributes(attributes_of(message, header), [&](const NetlinkAttribute& attribute) {
    if (attribute.type == NLMSGERR_ATTR_MSG) words = attribute.text();
  });
  return words;
}

}  // namespace

void NetlinkBatch::append(const void* data, size_t size) {
  const auto* from = static_cast<const uint8_t*>(data);
  bytes_.insert(bytes_.end(), from, from + size);
  pad();
  set_message_length();
}

void NetlinkBatch::pad() {
  bytes_.resize(aligned(bytes_.size()));
}

void NetlinkBatch::set_message_length() {
  const auto length = static_cast<uint32_t>(bytes_.size() - message_);
  std::memcpy(bytes_.data() + message_ + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
}

void NetlinkBatch::begin(uint16_t type, uint16_t flags, std::string what, int tolerated) {
  message_ = bytes_.size();
  fixed(nlmsghdr{.nlmsg_type = type,
                 .nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST),
                 .nlmsg_seq = static_cast<uint32_t>(expected_.size())});
  expected_.push_back({std::move(what), tolerated});
}

void NetlinkBatch::attribute(uint16_t type, const void* data, size_t size) {
  const nlattr head{.nla_len = static_cast<uint16_t>(sizeof(nlattr) + size), .nla_type = type};
  const auto* from = reinterpret_cast<const uint8_t*>(&head);
  bytes_.insert(bytes_.end(), from, from + sizeof head);
  append(data, size);
}

void NetlinkBatch::text(uint16_t type, std::string_view value) {
  const std::string terminated(value);
  attribute(type, terminated.c_str(), terminated.size() + 1);
}

void NetlinkBatch::be32(uint16_t type, uint32_t value) {
  u32(type, htonl(value));
}

void NetlinkBatch::be16(uint16_t type, uint16_t value) {
  const uint16_t net = htons(value);
  attribute(type, &net, sizeof net);
}

void NetlinkBatch::flag_nested(uint16_t type, const std::function<void()>& content) {
  nested(static_cast<uint16_t>(type | NLA_F_NESTED), content);
}

void NetlinkBatch::nested(uint16_t type, const std::function<void()>& content) {
  const size_t start = bytes_.size();
  attribute(type, nullptr, 0);
  content();
  const auto length = static_cast<uint16_t>(bytes_.size() - start);
  std::memcpy(bytes_.data() + start + offsetof(nlattr, nla_len), &length, sizeof length);
}

Result<NetlinkSocket> NetlinkSocket::open(int family) {
  sys::UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family));
  if (!fd.valid()) return sys_error(family == NETLINK_ROUTE ? "open route netlink" : "open netfilter netlink", errno);
  const int on = 1;
  // Short answers with words; kernels without these options (4.3, 4.12) answer without them.
  (void)setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  (void)setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  return NetlinkSocket(std::move(fd));
}

Status NetlinkSocket::send(const NetlinkBatch& batch) {
  sockaddr_nl kernel{.nl_family = AF_NETLINK};
  const ssize_t sent = sendto(fd_.get(), batch.bytes_.data(), batch.bytes_.size(), 0,
                              reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  if (sent == static_cast<ssize_t>(batch.bytes_.size())) return {};
  return sys_error(batch.expected_.empty() ? "send netlink" : batch.expected_.front().what,
                   sent < 0 ? errno : EMSGSIZE);
}

Status NetlinkSocket::run(const NetlinkBatch& batch) {
  if (batch.expected_.empty()) return {};
  BERTH_TRY_OK(send(batch));
  Status result;
  std::array<uint8_t, 8 << 10> buffer;
  // The kernel carries requests out within sendto(), so every answer is in the queue by now.
  while (true) {
    const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    auto left = static_cast<uint32_t>(size);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type != NLMSG_ERROR) continue;
      const int code = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
      if (code == 0 || !result.ok()) continue;
      if (message->nlmsg_seq >= batch.expected_.size()) continue;
      const auto& expected = batch.expected_[message->nlmsg_seq];
      if (code == expected.tolerated) continue;
      const std::string_view words = explanation(*message);
      result = sys_error(words.empty() ? expected.what : fmt::format("{} ({})", expected.what, words), code);
    }
  }
  return result;
}

Status NetlinkSocket::dump(const NetlinkBatch& request, const std::function<void(const nlmsghdr&)>& visit) {
  BERTH_CHECK(request.expected_.size() == 1);
  BERTH_TRY_OK(send(request));
  std::vector<uint8_t> buffer(kReceiveBuffer);
  while (true) {
    const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return sys_error(request.expected_.front().what, errno);
    auto left = static_cast<uint32_t>(size);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE) return {};
      if (message->nlmsg_type == NLMSG_ERROR) {
        const int code = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
        if (code == 0) return {};
        return sys_error(request.expected_.front().what, code);
      }
      visit(*message);
    }
  }
}

Status NetlinkSocket::subscribe(int group) {
  constexpr int kRoom = 4 << 20;  // one flush of a large ruleset comes as thousands of messages
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kRoom, sizeof kRoom) != 0)
    (void)setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &kRoom, sizeof kRoom);  // as much as there may be
  // With an address of its own: what has none counts as the kernel, who is not told of what the kernel does.
  const sockaddr_nl own{.nl_family = AF_NETLINK};
  if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
      setsockopt(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
    return sys_error("subscribe to netlink events", errno);
  return {};
}

bool NetlinkSocket::read_events(const std::function<void(const nlmsghdr&)>& visit) {
  std::vector<uint8_t> buffer(kReceiveBuffer);
  bool complete = true;
  while (true) {
    const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == ENOBUFS) {
      complete = false;
      continue;
    }
    if (size <= 0) return complete;
    auto left = static_cast<uint32_t>(size);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      visit(*message);
    }
  }
}

std::string_view NetlinkAttribute::text() const {
  const auto* begin = reinterpret_cast<const char*>(data.data());
  return {begin, strnlen(begin, data.size())};
}

uint32_t NetlinkAttribute::u32() const {
  uint32_t value = 0;
  if (data.size() >= sizeof value) std::memcpy(&value, data.data(), sizeof value);
  return value;
}

Address NetlinkAttribute::address() const {
  Address value{.v6 = data.size() == 16};
  if (data.size() == value.size()) std::ranges::copy(data, value.bytes.begin());
  return value;
}

void visit_attributes(std::span<const uint8_t> bytes, const std::function<void(const NetlinkAttribute&)>& visit) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr head{};
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.nla_len < sizeof(nlattr) || head.nla_len > bytes.size()) return;
    visit(
        {static_cast<uint16_t>(head.nla_type & NLA_TYPE_MASK), bytes.subspan(sizeof head, head.nla_len - sizeof head)});
    bytes = bytes.subspan(std::min(aligned(head.nla_len), bytes.size()));
  }
}

std::span<const uint8_t> attributes_of(const nlmsghdr& message, size_t header) {
  const size_t skip = NLMSG_HDRLEN + aligned(header);
  if (message.nlmsg_len < skip) return {};
  return {reinterpret_cast<const uint8_t*>(&message) + skip, message.nlmsg_len - skip};
}

}  // namespace berth::netns
