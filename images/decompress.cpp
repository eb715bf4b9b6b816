#include "images/decompress.h"

#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <zstd.h>

#include <string>

#include "base/check.h"

namespace berth::images {

/// How this works: the Decompressor owns the input window (`input`, what the codec has not taken yet) and refills it
/// from the source; a codec turns input into output and says whether it stands at the end of a member, where the stream
/// may end. An end anywhere else is a cut.
struct Decompressor::Codec {
  struct Step {
    size_t taken = 0;
    size_t produced = 0;
  };
  virtual ~Codec() = default;
  virtual Result<Step> step(std::string_view input, char* output, size_t room) = 0;
  [[nodiscard]] virtual bool may_end() const = 0;
};

namespace {

constexpr size_t kOutput = 256 * 1024;

/// isa-l inflates about three times as fast as zlib.
class GzipCodec : public Decompressor::Codec {
 public:
  GzipCodec() { start_member(); }

  Result<Step> step(std::string_view input, char* output, size_t room) override {
    if (state_->block_state == ISAL_BLOCK_FINISH) {
      if (input.empty()) return Step{};
      // After a member: zero padding to the end of the medium is allowed, anything else must be another member.
      size_t zeros = std::min(input.find_first_not_of('\0'), input.size());
      if (zeros > 0) return Step{zeros, 0};
      start_member();
    }
    between_members_ = false;
    // isa-l reads input without changing it but does not say so in its type.
    state_->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(input.data()));
    state_->avail_in = static_cast<uint32_t>(input.size());
    state_->next_out = reinterpret_cast<uint8_t*>(output);
    state_->avail_out = static_cast<uint32_t>(room);
    int code = isal_inflate(state_.get());
    if (code == ISAL_INCORRECT_CHECKSUM) return make_error("gzip: checksum is wrong");
    if (code != ISAL_DECOMP_OK) return make_error("gzip: data is damaged");
    between_members_ = state_->block_state == ISAL_BLOCK_FINISH;
    return Step{input.size() - state_->avail_in, room - state_->avail_out};
  }
  [[nodiscard]] bool may_end() const override { return between_members_; }

 private:
  void start_member() {
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }
  std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();  // 80 KB
  bool between_members_ = false;
};

class ZstdCodec : public Decompressor::Codec {
 public:
  ZstdCodec() { BERTH_CHECK(stream_ != nullptr); }
  ZstdCodec(const ZstdCodec&) = delete;
  ZstdCodec& operator=(const ZstdCodec&) = delete;
  ~ZstdCodec() override { ZSTD_freeDStream(stream_); }

  Result<Step> step(std::string_view input, char* output, size_t room) override {
    if (between_frames_ && input.empty()) return Step{};
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output, room, 0};
    size_t code = ZSTD_decompressStream(stream_, &out, &in);
    if (ZSTD_isError(code) != 0) return make_error(std::string("zstd: ") + ZSTD_getErrorName(code));
    between_frames_ = code == 0;
    return Step{in.pos, out.pos};
  }
  [[nodiscard]] bool may_end() const override { return between_frames_; }

 private:
  ZSTD_DStream* stream_ = ZSTD_createDStream();
  bool between_frames_ = false;
};

class XzCodec : public Decompressor::Codec {
 public:
  XzCodec() {
    constexpr uint64_t kMemory = uint64_t{256} << 20;  // xz -9 needs 65 MB
    BERTH_CHECK(lzma_stream_decoder(&stream_, kMemory, 0) == LZMA_OK);
  }
  XzCodec(const XzCodec&) = delete;
  XzCodec& operator=(const XzCodec&) = delete;
  ~XzCodec() override { lzma_end(&stream_); }

  Result<Step> step(std::string_view input, char* output, size_t room) override {
    if (ended_) {
      if (input.find_first_not_of('\0') != std::string_view::npos) return make_error("xz: data after the end");
      return Step{input.size(), 0};
    }
    stream_.next_in = reinterpret_cast<const uint8_t*>(input.data());
    stream_.avail_in = input.size();
    stream_.next_out = reinterpret_cast<uint8_t*>(output);
    stream_.avail_out = room;
    lzma_ret code = lzma_code(&stream_, LZMA_RUN);
    if (code == LZMA_MEMLIMIT_ERROR) return make_error("xz: needs more than 256 MB of memory");
    if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR) return make_error("xz: data is damaged");
    ended_ = code == LZMA_STREAM_END;
    return Step{input.size() - stream_.avail_in, room - stream_.avail_out};
  }
  [[nodiscard]] bool may_end() const override { return ended_; }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ended_ = false;
};

class Bzip2Codec : public Decompressor::Codec {
 public:
  Bzip2Codec() { start_stream(); }
  Bzip2Codec(const Bzip2Codec&) = delete;
  Bzip2Codec& operator=(const Bzip2Codec&) = delete;
  ~Bzip2Codec() override { BZ2_bzDecompressEnd(&stream_); }

  Result<Step> step(std::string_view input, char* output, size_t room) override {
    if (ended_) {
      if (input.empty()) return Step{};
      BZ2_bzDecompressEnd(&stream_);  // bzip2 files may be put after each other, and pbzip2 makes such
      start_stream();
    }
    stream_.next_in = const_cast<char*>(input.data());  // read only, though its type does not say so
    stream_.avail_in = static_cast<unsigned>(input.size());
    stream_.next_out = output;
    stream_.avail_out = static_cast<unsigned>(room);
    int code = BZ2_bzDecompress(&stream_);
    if (code != BZ_OK && code != BZ_STREAM_END) return make_error("bzip2: data is damaged");
    ended_ = code == BZ_STREAM_END;
    return Step{input.size() - stream_.avail_in, room - stream_.avail_out};
  }
  [[nodiscard]] bool may_end() const override { return ended_; }

 private:
  void start_stream() {
    stream_ = {};
    BERTH_CHECK(BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK);
    ended_ = false;
  }
  bz_stream stream_{};
  bool ended_ = false;
};

std::unique_ptr<Decompressor::Codec> make_codec(Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return std::make_unique<GzipCodec>();
    case Compression::zstd:
      return std::make_unique<ZstdCodec>();
    case Compression::xz:
      return std::make_unique<XzCodec>();
    case Compression::bzip2:
      return std::make_unique<Bzip2Codec>();
    case Compression::none:
      break;
  }
  return nullptr;
}

}  // namespace

struct Decompressor::State {
  ReadBlob source;
  Compression compression = Compression::none;
  std::unique_ptr<Codec> codec;
  std::string beginning;  // the chunks that were needed to see the magic bytes
  std::string_view input;
  std::string output;
  uint64_t consumed = 0;
  bool detected = false;
  bool source_ended = false;
  bool output_was_full = false;

  Status refill() {
    BERTH_TRY(input, source());
    consumed += input.size();
    source_ended = input.empty();
    return {};
  }

  Status detect() {
    detected = true;
    while (beginning.size() < kMagicLength && !source_ended) {
      BERTH_TRY_OK(refill());
      beginning += input;
    }
    input = beginning;
    compression = detect_compression(beginning);
    codec = make_codec(compression);
    if (codec != nullptr) output.resize(kOutput);
    return {};
  }

  Result<std::string_view> read_plain() {
    if (input.empty() && !source_ended) BERTH_TRY_OK(refill());
    return std::exchange(input, {});
  }

  Result<std::string_view> read_packed() {
    for (;;) {
      // A codec that filled its output may hold more without needing input.
      if (input.empty() && !output_was_full) {
        if (!source_ended) BERTH_TRY_OK(refill());
        if (source_ended) {
          if (codec->may_end()) return std::string_view();
          return make_error("compressed data ends too early");
        }
      }
      BERTH_TRY(Codec::Step step, codec->step(input, output.data(), output.size()));
      if (step.taken == 0 && step.produced == 0 && !input.empty() && !output_was_full)
        return make_error("compressed data is damaged");
      input.remove_prefix(step.taken);
      output_was_full = step.produced == output.size();
      if (step.produced > 0) return std::string_view(output.data(), step.produced);
    }
  }
};

Decompressor::Decompressor(ReadBlob source) : state_(std::make_unique<State>()) {
  state_->source = std::move(source);
}
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor::~Decompressor() = default;

Result<std::string_view> Decompressor::read() {
  if (!state_->detected) BERTH_TRY_OK(state_->detect());
  return state_->codec == nullptr ? state_->read_plain() : state_->read_packed();
}

Compression Decompressor::compression() const {
  return state_->compression;
}
uint64_t Decompressor::consumed() const {
  return state_->consumed;
}

Compression detect_compression(std::string_view beginning) {
  using namespace std::string_view_literals;
  if (beginning.starts_with("\x1f\x8b"sv)) return Compression::gzip;
  if (beginning.starts_with("\x28\xb5\x2f\xfd"sv)) return Compression::zstd;
  // A zstd stream may begin with a skippable frame: 50..5F 2A 4D 18.
  if (beginning.size() >= 4 && (static_cast<unsigned char>(beginning[0]) & 0xF0) == 0x50 &&
      beginning.substr(1, 3) == "\x2a\x4d\x18"sv) {
    return Compression::zstd;
  }
  if (beginning.starts_with("\xfd"
                            "7zXZ\0"sv))
    return Compression::xz;
  bool is_bzip2 = beginning.size() >= kMagicLength && beginning.starts_with("BZh"sv) && beginning[3] >= '1' &&
                  beginning[3] <= '9' &&
                  (beginning.substr(4, 2) == "\x31\x41"sv || beginning.substr(4, 2) == "\x17\x72"sv);
  return is_bzip2 ? Compression::bzip2 : Compression::none;
}

}  // namespace berth::images
