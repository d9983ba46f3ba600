#include "lockstep/media/zip_reader.h"

#include <zip.h>

#include "lockstep/base/error.h"
#include "lockstep/base/printable.h"
#include "lockstep/base/text.h"

namespace lockstep::media {
namespace {

DataError broken_zip(const std::string& name, const std::string& problem) {
  return DataError(text("'", name, "' cannot be read as a ZIP archive: ", problem),
                   "copy or download it again, or write it anew");
}

/// What libzip says of its last failure.
std::string words_of(zip_error_t* error) {
  std::string words = zip_error_strerror(error);
  zip_error_fini(error);
  return words;
}

struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};

}  // namespace

void ZipReader::Close::operator()(zip* archive) const { zip_discard(archive); }

ZipReader::ZipReader(const std::filesystem::path& path) : name_(path.string()) {
  std::error_code failure;
  const std::uint64_t size = std::filesystem::file_size(path, failure);
  if (failure) {
    throw DataError(text("cannot read '", name_, "': ", failure.message()), "check the path and its permissions");
  }
  int code = 0;
  archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (!archive_) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    throw broken_zip(name_, words_of(&error));
  }
  read_directory(size);
}

ZipReader::ZipReader(std::span<const std::byte> bytes, const std::string& name) : name_(name) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), /*freep=*/0, &error);
  archive_.reset(source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error));
  if (!archive_) {
    zip_source_free(source);
    throw broken_zip(name_, words_of(&error));
  }
  zip_error_fini(&error);
  read_directory(bytes.size());
}

void ZipReader::read_directory(std::uint64_t archive_bytes) {
  if (archive_bytes == 0) {
    throw broken_zip(name_, "it is empty");  // for libzip an archive of nothing
  }
  std::uint64_t left = archive_bytes;
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t entry;
    if (zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW, &entry) != 0) {
      throw broken_zip(name_, words_of(zip_get_error(archive_.get())));
    }
    // Entries that lie over each other would be read to many times what the archive has.
    if (entry.comp_size > left) {
      throw broken_zip(name_, "its entries are longer than itself");
    }
    left -= entry.comp_size;
    // Of stored entries both sizes are one; read() refuses an entry that claims another.
    if (!sizes_.emplace(entry.name, entry.comp_size).second) {
      throw broken_zip(name_, text("it holds '", printable(entry.name), "' twice"));
    }
  }
}

std::optional<std::uint64_t> ZipReader::size_of(const std::string& entry) const {
  const auto found = sizes_.find(entry);
  return found == sizes_.end() ? std::nullopt : std::optional(found->second);
}

void ZipReader::read(const std::string& entry, std::span<std::byte> into) const {
  const auto refuse = [&](const std::string& problem) {
    return broken_zip(name_, text("its entry '", printable(entry), "' ", problem));
  };
  zip_stat_t found;
  if (zip_stat(archive_.get(), entry.c_str(), ZIP_FL_ENC_RAW, &found) != 0) {
    throw refuse("is not there");
  }
  if (found.comp_method != ZIP_CM_STORE || found.encryption_method != ZIP_EM_NONE) {
    throw refuse("is compressed or encrypted");
  }
  if (found.size != into.size() || found.comp_size != found.size) {
    throw refuse("has another size than its header says");
  }
  const std::unique_ptr<zip_file_t, CloseEntry> file(zip_fopen_index(archive_.get(), found.index, 0));
  if (!file) {
    throw refuse(text("cannot be opened: ", words_of(zip_get_error(archive_.get()))));
  }
  for (std::span<std::byte> rest = into; !rest.empty();) {
    const zip_int64_t count = zip_fread(file.get(), rest.data(), rest.size());
    if (count <= 0) {
      throw refuse(count == 0 ? "is cut off" : text("is damaged: ", words_of(zip_file_get_error(file.get()))));
    }
    rest = rest.subspan(static_cast<std::size_t>(count));
  }
  std::byte beyond{};
  if (zip_fread(file.get(), &beyond, 1) != 0) {  // at its end the sum is compared
    throw refuse(text("is damaged: ", words_of(zip_file_get_error(file.get()))));
  }
}

}  // namespace lockstep::media
