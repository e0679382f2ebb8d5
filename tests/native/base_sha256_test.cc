// SHA-256 against FIPS 180-4's examples, and against itself fed in pieces.
#include "native/base/sha256.h"

#include "tests/native/check.h"

namespace faultline::check {
namespace {

std::string hash(const std::string& text) {
  base::Sha256 sha;
  sha.update(text);
  return sha.hex();
}

TEST(sha256_known_answers) {
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256_in_pieces_of_every_size) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (std::size_t length : {55, 56, 63, 64, 65, 119, 120, 128, 300}) {
    const std::string part = text.substr(0, length);
    for (std::size_t piece = 1; piece <= 130; ++piece) {
      base::Sha256 sha;
      for (std::size_t at = 0; at < part.size(); at += piece) sha.update(part.substr(at, piece));
      EXPECT_EQ(sha.hex(), hash(part));
    }
  }
}

}  // namespace
}  // namespace faultline::check
