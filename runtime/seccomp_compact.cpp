#include "runtime/seccomp_compact.h"

#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

namespace berth::runtime {
namespace {

using Program = std::vector<sock_filter>;

constexpr size_t kFarthest = 254;  // that a condition may jump (255), and one instruction that may come between

/// What a program says to a call: an answer, or the place where it begins to look at arguments.
struct Verdict {
  bool answered = false;
  uint32_t value = 0;  // the answer, or the index of the instruction

  bool operator==(const Verdict&) const = default;
};

struct Range {
  uint32_t first;  // number of a call; up to the next range
  Verdict verdict;
};

bool is_condition(const sock_filter& instruction) {
  return BPF_CLASS(instruction.code) == BPF_JMP && BPF_OP(instruction.code) != BPF_JA;
}

bool is_load(const sock_filter& instruction) {
  return instruction.code == (BPF_LD | BPF_W | BPF_ABS);
}

/// Finds out what a program does with architectures and numbers by running it.
class Trial {
 public:
  explicit Trial(const Program& program) : program_(program) {
    bounds_.insert(0);
    for (const sock_filter& instruction : program) {
      if (!is_condition(instruction)) continue;
      bounds_.insert(instruction.k);
      if (instruction.k != UINT32_MAX) bounds_.insert(instruction.k + 1);
    }
  }

  /// Those that it knows by name.
  [[nodiscard]] const std::set<uint32_t>& architectures() const { return architectures_; }

  /// For the whole space of numbers: between two constants that it compares with, all are alike to it. Nothing if it
  /// does what we do not understand.
  [[nodiscard]] std::optional<std::vector<Range>> ranges(uint32_t architecture) {
    std::vector<Range> ranges;
    for (const uint32_t bound : bounds_) {
      const std::optional<Verdict> verdict = run(architecture, bound);
      if (!verdict) return std::nullopt;
      if (ranges.empty() || !(ranges.back().verdict == *verdict)) ranges.push_back({bound, *verdict});
    }
    return ranges;
  }

 private:
  [[nodiscard]] std::optional<Verdict> run(uint32_t architecture, uint32_t number) {
    std::optional<uint32_t> loaded;
    bool is_architecture = false;
    for (size_t at = 0; at < program_.size(); ++at) {
      const sock_filter& now = program_[at];
      if (now.code == (BPF_RET | BPF_K)) return Verdict{true, now.k};
      if (is_load(now)) {
        is_architecture = now.k == offsetof(seccomp_data, arch);
        if (!is_architecture && now.k != offsetof(seccomp_data, nr)) return Verdict{false, static_cast<uint32_t>(at)};
        loaded = is_architecture ? architecture : number;
      } else if (now.code == (BPF_JMP | BPF_JA)) {
        at += now.k;
      } else {
        const std::optional<bool> met = loaded ? meets(now, *loaded, is_architecture) : std::nullopt;
        if (!met) return std::nullopt;
        if (is_architecture) architectures_.insert(now.k);
        at += *met ? now.jt : now.jf;
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] static std::optional<bool> meets(const sock_filter& condition, uint32_t loaded, bool is_architecture) {
    switch (condition.code) {
      case BPF_JMP | BPF_JEQ | BPF_K:
        return loaded == condition.k;
      case BPF_JMP | BPF_JGT | BPF_K:
        if (!is_architecture) return loaded > condition.k;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        if (!is_architecture) return loaded >= condition.k;
        break;
      default:
        break;
    }
    return std::nullopt;
  }

  const Program& program_;
  std::set<uint32_t> bounds_, architectures_;
};

/// Writes a program from its end to its beginning, since all jumps lead forward. A place is the number of instructions
/// from there to the end.
class Writer {
 public:
  explicit Writer(const Program& original) : original_(original) {}

  /// The parts of the original that look at arguments, from each of these on.
  void copy(const std::set<uint32_t>& entries) {
    std::set<uint32_t> needed = entries;
    for (auto at = needed.begin(); at != needed.end(); ++at) {  // what is inserted comes behind
      const sock_filter& now = original_[*at];
      if (BPF_CLASS(now.code) == BPF_RET) continue;
      if (is_condition(now)) {
        needed.insert(*at + 1 + now.jt);
        needed.insert(*at + 1 + now.jf);
      } else {
        needed.insert(*at + 1 + (now.code == (BPF_JMP | BPF_JA) ? now.k : 0));
      }
    }
    for (auto at = needed.rbegin(); at != needed.rend(); ++at) {
      sock_filter now = original_[*at];  // leaving others out makes jumps shorter, never longer
      if (is_condition(now)) {
        now.jt = static_cast<uint8_t>(distance(copies_.at(*at + 1 + now.jt)));
        now.jf = static_cast<uint8_t>(distance(copies_.at(*at + 1 + now.jf)));
      } else if (now.code == (BPF_JMP | BPF_JA)) {
        now.k = static_cast<uint32_t>(distance(copies_.at(*at + 1 + now.k)));
      }
      copies_[*at] = put(now);
    }
  }

  /// Where the number of a call is looked up.
  size_t table(const std::vector<Range>& ranges) {
    const size_t tree = this->tree(ranges.data(), ranges.data() + ranges.size());
    if (ranges.size() == 1) return tree;
    if (distance(tree) != 0) (void)put(BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(distance(tree))));
    return put(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  }

  size_t condition(uint16_t comparison, uint32_t constant, size_t if_met, size_t if_not) {
    if_met = near(if_met);
    if_not = near(if_not);
    return put(BPF_JUMP(static_cast<uint16_t>(BPF_JMP | comparison | BPF_K), constant,
                        static_cast<uint8_t>(distance(if_met)), static_cast<uint8_t>(distance(if_not))));
  }

  [[nodiscard]] Program finish(size_t begin) {
    if (distance(begin) != 0) (void)put(BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(distance(begin))));
    (void)put(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
    return {backwards_.rbegin(), backwards_.rend()};
  }

 private:
  size_t put(const sock_filter& instruction) {
    backwards_.push_back(instruction);
    return backwards_.size();
  }

  /// Of a place from the instruction that is put next.
  [[nodiscard]] size_t distance(size_t place) const { return backwards_.size() - place; }

  /// The place itself or, when that is out of a condition's reach, one that does the same.
  size_t near(size_t place) {
    if (distance(place) <= kFarthest) return place;
    const sock_filter& there = backwards_[place - 1];
    if (there.code == (BPF_RET | BPF_K)) return answer(there.k);
    return put(BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(distance(place))));
  }

  size_t answer(uint32_t value) {
    size_t& place = answers_[value];
    if (place == 0 || distance(place) > kFarthest) place = put(BPF_STMT(BPF_RET | BPF_K, value));
    return place;
  }

  size_t tree(const Range* first, const Range* end) {
    if (end - first == 1)
      return first->verdict.answered ? answer(first->verdict.value) : copies_.at(first->verdict.value);
    const Range* middle = first + (end - first) / 2;
    const size_t above = tree(middle, end);
    const size_t below = tree(first, middle);
    return condition(BPF_JGE, middle->first, above, below);
  }

  const Program& original_;
  Program backwards_;
  std::map<uint32_t, size_t> copies_;   // place of what was at that index
  std::map<uint32_t, size_t> answers_;  // the place nearest to the beginning
};

}  // namespace

Program compact(const Program& program) {
  Trial trial(program);
  std::map<uint32_t, std::vector<Range>> known;
  uint32_t stranger = 0;  // stands for all architectures that it does not know
  std::optional<std::vector<Range>> others = trial.ranges(stranger);
  while (others && trial.architectures().contains(stranger)) others = trial.ranges(++stranger);
  if (!others) return program;
  for (const uint32_t architecture : std::set(trial.architectures())) {
    std::optional<std::vector<Range>> ranges = trial.ranges(architecture);
    if (!ranges) return program;
    known.emplace(architecture, std::move(*ranges));
  }
  if (trial.architectures().size() != known.size()) return program;

  std::set<uint32_t> entries;
  const auto collect = [&](const std::vector<Range>& ranges) {
    for (const Range& range : ranges) {
      if (!range.verdict.answered) entries.insert(range.verdict.value);
    }
  };
  collect(*others);
  for (const auto& [architecture, ranges] : known) collect(ranges);

  Writer writer(program);
  writer.copy(entries);
  std::vector<std::pair<uint32_t, size_t>> tables;
  for (const auto& [architecture, ranges] : known) tables.emplace_back(architecture, writer.table(ranges));
  size_t begin = writer.table(*others);
  for (const auto& [architecture, table] : tables) begin = writer.condition(BPF_JEQ, architecture, table, begin);
  Program written = writer.finish(begin);
  return written.size() < program.size() ? written : program;
}

}  // namespace berth::runtime
