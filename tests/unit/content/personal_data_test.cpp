#include "content/personal_data.h"

#include <string>

#include <gtest/gtest.h>

namespace intragate::content {
namespace {

// What was found, as "kind:text" joined by spaces.
std::string found_in(std::string_view text) {
  constexpr const char* kNames[] = {"mobile", "id", "card", "email", "ip", "key", "word"};
  std::vector<Finding> found;
  find_personal_data(text, Kinds{}.set(), 0, found);
  std::string list;
  for (const Finding& one : found) {
    list += (list.empty() ? "" : " ") + std::string{kNames[static_cast<int>(one.kind)]} + ":" +
            std::string{text.substr(one.begin, one.end - one.begin)};
  }
  return list;
}

TEST(PersonalData, MobileNumbers) {
  EXPECT_EQ(found_in("13812345678"), "mobile:13812345678");
  EXPECT_EQ(found_in("手机13812345678，谢谢"), "mobile:13812345678");
  EXPECT_EQ(found_in("+86 138-1234-5678."), "mobile:+86 138-1234-5678");
  EXPECT_EQ(found_in("8613812345678 or 138 1234 5678"), "mobile:8613812345678 mobile:138 1234 5678");
  EXPECT_EQ(found_in("call 13812345678 2024 times"), "mobile:13812345678");
  for (const char* none :
       {"1381234567", "138123456789", "12812345678", "13-812345678", "1381234 5678 9", "0013812345678"}) {
    EXPECT_EQ(found_in(none), "") << none;
  }
}

TEST(PersonalData, IdentityCardsWithTheirCheckCharacter) {
  EXPECT_EQ(found_in("11010519491231002X"), "id:11010519491231002X");
  EXPECT_EQ(found_in("身份证11010519491231002x。"), "id:11010519491231002x");
  EXPECT_EQ(found_in("440524188001010014"), "id:440524188001010014");
  for (const char* none : {"110105194912310021", "11010519491331002X", "11010519490231002X", "91010519491231002X",
                           "11010519491231002XY", "1101051949123100"}) {
    EXPECT_EQ(found_in(none), "") << none;
  }
}

TEST(PersonalData, BankCardsWithTheirCheckDigit) {
  EXPECT_EQ(found_in("4111111111111111"), "card:4111111111111111");
  EXPECT_EQ(found_in("4111 1111 1111 1111"), "card:4111 1111 1111 1111");
  EXPECT_EQ(found_in("4111-1111-1111-1111,"), "card:4111-1111-1111-1111");
  EXPECT_EQ(found_in("378282246310005"), "card:378282246310005");
  EXPECT_EQ(found_in("3782 822463 10005"), "card:3782 822463 10005");
  EXPECT_EQ(found_in("6222021234567890128"), "card:6222021234567890128");
  for (const char* none : {"4111111111111112", "41111 11111 111111", "0000000000000000", "41111111111111110000"}) {
    EXPECT_EQ(found_in(none), "") << none;
  }
}

TEST(PersonalData, MailAddresses) {
  EXPECT_EQ(found_in("to li.wei+x@mail.bank.example, now"), "email:li.wei+x@mail.bank.example");
  EXPECT_EQ(found_in("a@b.cn."), "email:a@b.cn");
  for (const char* none : {"@b.cn", "a@b", "a@.cn", "a@-b.cn", "a@b.c1", "a@@b"}) EXPECT_EQ(found_in(none), "") << none;
}

TEST(PersonalData, Addresses) {
  EXPECT_EQ(found_in("10.0.0.1:8080"), "ip:10.0.0.1");
  EXPECT_EQ(found_in("to fe80::1, and 2001:db8::ff."), "ip:fe80::1 ip:2001:db8::ff");
  for (const char* none :
       {"1.2.3", "1.2.3.4.5", "300.1.1.1", "12:30:45", "std::string", "::", "a.b.c.d", "v10.0.0.1x"}) {
    EXPECT_EQ(found_in(none), "") << none;
  }
}

TEST(PersonalData, Keys) {
  EXPECT_EQ(found_in("key sk-abcdefghijklmnopqrstuvwx"), "key:sk-abcdefghijklmnopqrstuvwx");
  EXPECT_EQ(found_in("AKIAIOSFODNN7EXAMPLE"), "key:AKIAIOSFODNN7EXAMPLE");
  const std::string token = "eyJhbGciOiJIUzI1NiJ9." + std::string(60, 'a') + "." + std::string(43, 'b');
  EXPECT_EQ(found_in("Bearer " + token + "."), "key:" + token);
  for (const char* none : {"sk-short", "risk-abcdefghijklmnopqrstuvwx", "AKIA"}) EXPECT_EQ(found_in(none), "") << none;
}

TEST(PersonalData, OnlyWhatWasAskedFor) {
  std::vector<Finding> found;
  find_personal_data("13812345678 a@b.cn", Kinds{}.set(static_cast<std::size_t>(Kind::email)), 100, found);
  EXPECT_EQ(found, (std::vector<Finding>{{112, 118, Kind::email}}));
}

TEST(PersonalData, LastRunReachesBackOverDigitsAndTheirSpaces) {
  EXPECT_EQ(last_run("x 138 1234", Kinds{}.set()), 2U);
  EXPECT_EQ(last_run("x 138 ", Kinds{}.set()), 2U);
  EXPECT_EQ(last_run("hello ", Kinds{}.set()), 6U);
  EXPECT_EQ(last_run("你好", Kinds{}.set()), 6U);
  EXPECT_EQ(last_run("hello", Kinds{}.set()), 0U);
  EXPECT_EQ(last_run("", Kinds{}.set()), 0U);
  const Kinds numbers{0b111};
  EXPECT_EQ(last_run("hello", numbers), 5U) << "no number begins with letters";
  EXPECT_EQ(last_run("call +86 138 ", numbers), 5U);
  EXPECT_EQ(last_run("11010519491231002X", numbers), 0U);
}

}  // namespace
}  // namespace intragate::content
