#include "images/gzip.h"

#include <fmt/core.h>
#include <isa-l/igzip_lib.h>

#include <memory>
#include <vector>

namespace berth::images {

Status gzip(const ReadBlob& source, BlobWriter& sink) {
  constexpr size_t kBuffer = 256 << 10;
  std::vector<uint8_t> level_buffer(ISAL_DEF_LVL1_DEFAULT), output(kBuffer);
  auto stream = std::make_unique<isal_zstream>();
  isal_deflate_init(stream.get());
  stream->level = 1;
  stream->level_buf = level_buffer.data();
  stream->level_buf_size = static_cast<uint32_t>(level_buffer.size());
  stream->gzip_flag = IGZIP_GZIP;
  for (bool end = false; !end;) {
    BERTH_TRY(std::string_view bytes, source());
    end = bytes.empty();
    stream->end_of_stream = end ? 1 : 0;
    stream->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));  // only read
    stream->avail_in = static_cast<uint32_t>(bytes.size());
    do {
      stream->next_out = output.data();
      stream->avail_out = static_cast<uint32_t>(output.size());
      if (int code = isal_deflate(stream.get()); code != COMP_OK) {
        return make_error(fmt::format("compress the layer: error {} of the gzip library", code));
      }
      BERTH_TRY_OK(sink.write({reinterpret_cast<char*>(output.data()), output.size() - stream->avail_out}));
    } while (stream->avail_out == 0 || stream->avail_in > 0);
  }
  return {};
}

}  // namespace berth::images
