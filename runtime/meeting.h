#pragma once

namespace berth::runtime {

/// Where a child waits for its parent on the way from clone to exec: it sends the letter and goes on after an answer;
/// without one it ends.
enum class Meeting : char {
  maps = 'm',          // in a user namespace of its own, which the parent gives ids
  moved = 'p',         // the second clone; its pidfd comes along, and it is the container from here on
  before_pivot = 'h',  // namespaces and mounts are there, and the host's files still in sight
  ready = 'r',         // nothing is left to do but execute
};

}  // namespace berth::runtime
