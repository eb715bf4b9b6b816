#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "netns/address.h"
#include "sys/fd.h"

namespace berth::netns {

/// Flags of a request that makes something which must not be there yet.
inline constexpr uint16_t kCreate = NLM_F_CREATE | NLM_F_EXCL;

/// Several netlink messages that go to the kernel in one sendmsg(2). Attributes are appended to the message begun last.
class NetlinkBatch {
 public:
  /// Begins a message; its fixed part comes next. `what` names the attempt for errors ("set eth0 up"); an errno in
  /// `tolerated` is no error (0 = none).
  void begin(uint16_t type, uint16_t flags, std::string what, int tolerated = 0);
  template <class Fixed>
  void fixed(const Fixed& part) {
    append(&part, sizeof part);
  }

  void attribute(uint16_t type, const void* data, size_t size);
  void text(uint16_t type, std::string_view value);  // with its terminating zero
  void u8(uint16_t type, uint8_t value) { attribute(type, &value, sizeof value); }
  void u32(uint16_t type, uint32_t value) { attribute(type, &value, sizeof value); }
  void be32(uint16_t type, uint32_t value);
  void be16(uint16_t type, uint16_t value);
  void address(uint16_t type, const Address& value) { attribute(type, value.bytes.data(), value.size()); }
  void flag_nested(uint16_t type, const std::function<void()>& content);  // with NLA_F_NESTED
  void nested(uint16_t type, const std::function<void()>& content);
  /// An attribute whose content begins with a fixed structure, as VETH_INFO_PEER does.
  template <class Fixed>
  void nested_after(uint16_t type, const Fixed& part, const std::function<void()>& content) {
    nested(type, [&] {
      fixed(part);
      content();
    });
  }

 private:
  friend class NetlinkSocket;
  struct Expectation {
    std::string what;
    int tolerated;
  };
  void append(const void* data, size_t size);
  void pad();
  void set_message_length();

  std::vector<uint8_t> bytes_;
  std::vector<Expectation> expected_;  // sequence number of a message = its index
  size_t message_ = 0;
};

/// A netlink socket of the network namespace of the thread that opened it; it keeps working there from any thread.
class NetlinkSocket {
 public:
  /// `family`: NETLINK_ROUTE or NETLINK_NETFILTER.
  [[nodiscard]] static Result<NetlinkSocket> open(int family);

  /// Sends all messages and returns the first error that was not to be tolerated, with the kernel's own words if it has
  /// some. The others are carried out nevertheless (a netfilter batch is all or nothing).
  [[nodiscard]] Status run(const NetlinkBatch& batch);

  /// Sends one dump request and calls `visit` for every message of the answer.
  [[nodiscard]] Status dump(const NetlinkBatch& request, const std::function<void(const nlmsghdr&)>& visit);

  /// From now on this socket is told what happens (`group`: NFNLGRP_NFTABLES), and is good for nothing else.
  [[nodiscard]] Status subscribe(int group);
  /// Readable when there is something to read_events().
  [[nodiscard]] sys::FdRef fd() const { return fd_.ref(); }
  /// Calls `visit` for all that has happened; never waits. False: there was more than the socket could hold.
  [[nodiscard]] bool read_events(const std::function<void(const nlmsghdr&)>& visit);

 private:
  explicit NetlinkSocket(sys::UniqueFd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] Status send(const NetlinkBatch& batch);
  sys::UniqueFd fd_;
};

/// One attribute of a received message.
struct NetlinkAttribute {
  uint16_t type;
  std::span<const uint8_t> data;

  [[nodiscard]] std::string_view text() const;  // up to the first zero
  [[nodiscard]] uint32_t u32() const;           // 0 if too short
  [[nodiscard]] Address address() const;        // of the family whose size it has; 0.0.0.0 if of neither
};
/// Visits the attributes in `bytes`; stops at the first malformed one.
void visit_attributes(std::span<const uint8_t> bytes, const std::function<void(const NetlinkAttribute&)>& visit);
/// What follows the fixed part of `header` bytes in a message.
[[nodiscard]] std::span<const uint8_t> attributes_of(const nlmsghdr& message, size_t header);

}  // namespace berth::netns
