#include "dialect/form.h"

#include <gtest/gtest.h>

namespace intragate::dialect::form {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=xyz";

std::string part(const std::string& name, const std::string& value) {
  return "--xyz\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}
const std::string kFile =
    "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;b.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n"
    "\r\n--xy\x01 binary\r\n--xyy\r\n";
const std::string kEnd = "--xyz--\r\n";

TEST(Form, FindsTheModelWhereverItStands) {
  for (const std::string& body : {part("model", "whisper") + kFile + kEnd, kFile + part("model", "whisper") + kEnd}) {
    const Result<llm::Call> call = understand(kType, body);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->model, "whisper");
    EXPECT_EQ(body.substr(call->model_value.offset, call->model_value.length), "whisper");
    EXPECT_EQ(call->stream, llm::Stream::no);
  }
}

TEST(Form, KnowsStreamsAndQuotedBoundaries) {
  const std::string body = part("stream", "true") + part("model", "m") + kEnd;
  const Result<llm::Call> call = understand("Multipart/Form-Data; charset=utf-8; boundary=\"xyz\"", body);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->stream, llm::Stream::yes);
}

TEST(Form, ChangesNothingButTheName) {
  const std::string body = part("model", "m") + kEnd;
  const Result<llm::Call> call = understand(kType, body);
  ASSERT_TRUE(call);
  EXPECT_EQ(edits(*call, "m").count, 0U);
  const llm::Edits changed = edits(*call, "Systran/large-v3");
  ASSERT_EQ(changed.count, 1U);
  EXPECT_EQ(changed.list[0].text, "Systran/large-v3");
}

TEST(Form, RefusesWhatIsNoForm) {
  const std::string good = part("model", "m") + kEnd;
  EXPECT_FALSE(understand("application/json", good));
  EXPECT_FALSE(understand("multipart/form-data", good));
  EXPECT_FALSE(understand("multipart/form-data; boundary=\"\"", good));
  EXPECT_FALSE(understand("multipart/form-data; boundary=" + std::string(71, 'a'), good));
  EXPECT_FALSE(understand("multipart/form-data; boundary=other", good));
  for (const std::string& body :
       {std::string{}, kEnd, kFile + kEnd, part("model", "m"), part("model", ""),
        part("model", "m") + part("model", "n") + kEnd, part("model", std::string(513, 'a')) + kEnd,
        "preamble\r\n" + good, "--xyz\r\n\r\nm\r\n" + kEnd,
        "--xyz\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + kEnd, "--xyz\r\nX: y\r\n\r\nm\r\n" + good,
        "--xyz\r\n" + std::string(5000, 'a') + ": b\r\n\r\nm\r\n" + good}) {
    EXPECT_FALSE(understand(kType, body)) << body.substr(0, 200);
  }
}

// What another reader may take for another form.
TEST(Form, RefusesWhatCanBeReadInTwoWays) {
  const std::string good = part("model", "m");
  for (const std::string& more :
       {part("x\"; name=\"model", "n"), part("x\"; name*=\"utf-8''model", "n"),
        std::string{"--xyz\r\nContent-Disposition: form-data; name=x\r\nContent-Disposition: form-data; name=model"
                    "\r\n\r\nn\r\n"},
        part("file", "a\n--xyz\nb"), part("file", "a\r--xyz\rb"), part("file", "a--xyz\r\nb"), part("file", "--xyz")}) {
    EXPECT_FALSE(understand(kType, good + more + kEnd)) << more;
    EXPECT_FALSE(understand(kType, more + good + kEnd)) << more;
  }
}

// Each of these is `model` to some server and something else to another.
TEST(Form, RefusesNamesThatReadersFindInDifferentPlaces) {
  const std::string disposition = "Content-Disposition: form-data; ";
  for (const std::string& head : {disposition + R"(x="a\"; name=y; b="; name="model")",
                                  disposition + R"(name="x"; name*0="model")",
                                  disposition + R"(name="mo"; name*1="del")",
                                  disposition + R"(name="x"; name*=utf-8''model)",
                                  disposition + R"(name="x"; name="model")",
                                  disposition + R"(name="x" "; name="model")",
                                  disposition + R"(name="x"y; z="1")",
                                  disposition + R"(name=x y)",
                                  disposition + R"(name="x)",
                                  disposition + R"(name="x"; name = "model")",
                                  disposition + R"(name="x"; filename="a\".wav")",
                                  disposition + "name=\"x\"\r\n" + disposition + "name=\"y\"",
                                  disposition + "x=y\r\n" + disposition + "name=\"x\"",
                                  "X: a\n" + disposition + "name=\"model\"\r\n" + disposition + "name=\"x\"",
                                  "X: a\r" + disposition + "name=\"model\"\r\n" + disposition + "name=\"x\"",
                                  disposition + "name=\"x\";\r\n name=\"model\"",
                                  disposition + "name=\"x\"\r\n\tname=\"model\"",
                                  std::string{"Content-Disposition : form-data; name=\"x\""},
                                  disposition + "name=\"x\"\r\nno colon",
                                  "\r\n" + disposition + "name=\"x\"",
                                  disposition + "name=\"x\x01\"",
                                  std::string{"X: y"}}) {
    const std::string odd = "--xyz\r\n" + head + "\r\n\r\nother\r\n";
    EXPECT_FALSE(understand(kType, odd + part("model", "m") + kEnd)) << head;
    EXPECT_FALSE(understand(kType, part("model", "m") + odd + kEnd)) << head;
  }
}

TEST(Form, RefusesBoundariesThatReadersFindInDifferentPlaces) {
  const std::string body = part("model", "m") + kEnd;
  for (const std::string rest :
       {"boundary=xyz; boundary=abc", "boundary=abc; boundary=xyz", "boundary*0=xyz", "boundary=xyz; boundary*0=abc",
        R"(x="\"; boundary=abc; y="; boundary=xyz)", R"(boundary="xyz"abc)", "boundary=xyz abc", R"(boundary="xyz)"}) {
    EXPECT_FALSE(understand("multipart/form-data; " + rest, body)) << rest;
  }
}

TEST(Form, ReadsWhatClientsWrite) {
  const std::string disposition = "Content-Disposition: form-data; ";
  for (const std::string& head :
       {disposition + "name=file; filename=a.wav",
        disposition + R"(name="file"; filename="会议.wav"; filename*=utf-8''%E4)",
        disposition + R"(name="file"; filename="a b; c=d.wav";)",
        std::string{"content-disposition:form-data;name=\"file\""},
        disposition + "name=\"file\"\r\nContent-Type: audio/wav; x=\"\\\"\"\r\nContent-Transfer-Encoding: binary"}) {
    const std::string file = "--xyz\r\n" + head + "\r\n\r\nsound\r\n";
    EXPECT_TRUE(understand(kType, file + part("model", "m") + kEnd)) << head;
  }
  EXPECT_TRUE(understand("multipart/form-data;boundary=xyz;", part("model", "m") + kEnd));
}

TEST(Form, IsReadTheSameInPiecesOfAnyLength) {
  const std::string dashes = "--xyz\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n\r\n-\r\n--\r\n---xy\r\n";
  const std::string body = dashes + part("stream", "true") + part("model", "whisper") + kFile + kEnd + "epilogue";
  const Result<llm::Call> whole = understand(kType, body);
  ASSERT_TRUE(whole);
  for (std::size_t size = 1; size < body.size(); ++size) {
    Result<Reader> reader = Reader::of(kType);
    ASSERT_TRUE(reader);
    for (std::size_t at = 0; at < body.size(); at += size)
      ASSERT_TRUE(reader->take(std::string_view{body}.substr(at, size)));
    ASSERT_TRUE(reader->end()) << size;
    EXPECT_EQ(reader->call().model, "whisper");
    EXPECT_EQ(reader->call().model_value.offset, whole->model_value.offset);
    EXPECT_EQ(reader->call().stream, llm::Stream::yes);
  }
}

TEST(Form, TellsTheModelOnceItHasComeWhole) {
  const std::string body = part("model", "whisper") + kFile + kEnd;
  Result<Reader> reader = Reader::of(kType);
  ASSERT_TRUE(reader);
  const std::size_t known = body.find("--xyz", 5) + 5;
  for (std::size_t at = 0; at < body.size(); ++at) {
    ASSERT_TRUE(reader->take(std::string_view{body}.substr(at, 1)));
    EXPECT_EQ(reader->call().model, at + 1 < known ? "" : "whisper");
    EXPECT_EQ(static_cast<bool>(reader->end()), at + 3 > body.size() - 1) << at;
  }
}

TEST(Form, HasAtMostSoManyParts) {
  std::string body;
  for (int i = 0; i < 70; ++i) body += part("x", "y");
  EXPECT_FALSE(understand(kType, body + part("model", "m") + kEnd));
}

}  // namespace
}  // namespace intragate::dialect::form
