// Copies against a receiver in the test: what arrives, what waits, what is dropped.
#include "audit/copies.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <functional>

#include "copy_receiver.h"

namespace intragate::audit {
namespace {

using namespace std::chrono_literals;

std::string lines(int from, int to, std::size_t size = 100) {
  std::string text;
  for (int i = from; i < to; ++i) {
    std::string line = "{\"seq\":" + std::to_string(i);
    line.resize(size - 1, '.');
    text += line + '\n';
  }
  return text;
}

void wait_until(const std::function<bool()>& done, const char* what) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!done()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << what;
    ::poll(nullptr, 0, 2);
  }
}

std::shared_ptr<Copies> open(const config::AuditCopy& copy, const AddressList& egress = AddressList::any()) {
  Result<std::shared_ptr<Copies>> copies = Copies::open({copy}, egress);
  EXPECT_TRUE(copies);
  return *std::move(copies);
}

TEST(Copies, WhatIsOfferedArrivesInItsOrderAndBeforeTheEnd) {
  Receiver receiver;
  receiver.listen();
  const auto copies = open(copy_to(receiver));
  copies->offer(lines(1, 1000));
  copies->offer(lines(1000, 2000));
  const int connection = receiver.accept();
  const std::string sent = lines(1, 2000);
  EXPECT_EQ(Receiver::read(connection, sent.size()), sent);
  copies->offer(lines(2000, 2010));
  copies->finish();
  EXPECT_EQ(Receiver::read(connection, 1000), lines(2000, 2010));
  EXPECT_EQ(copies->states()[0].sent, 2009U);
  EXPECT_EQ(copies->states()[0].dropped, 0U);
  ::close(connection);
}

TEST(Copies, ABrokenConnectionIsMadeAgainAndWhatWasNotAcknowledgedSentAgain) {
  Receiver receiver;
  receiver.listen();
  const auto copies = open(copy_to(receiver, 64U << 20U));
  // More than the system buffers take: the receiver reads a little of it and hangs up.
  const std::string sent = lines(1, 200'000);
  copies->offer(sent);
  int connection = receiver.accept();
  EXPECT_EQ(Receiver::read(connection, 1000), sent.substr(0, 1000));
  ::close(connection);
  connection = receiver.accept();
  const std::string first = Receiver::read(connection, 100);
  const std::size_t at = sent.find(first);
  ASSERT_NE(at, std::string::npos) << "whole lines: " << first;
  EXPECT_EQ(Receiver::read(connection, sent.size() - at - 100), sent.substr(at + 100));
  wait_until([&] { return copies->states()[0].waiting_bytes == 0; }, "all is acknowledged");
  EXPECT_EQ(copies->states()[0].sent, 199'999U);
  ::close(connection);
}

TEST(Copies, WhatFindsNoRoomIsDroppedAndCountedAndTheRestKept) {
  Receiver receiver;  // bound, but nobody listens yet
  config::AuditCopy copy = copy_to(receiver, 1000);
  copy.on_full = config::OnFull::refuse;
  const auto copies = open(copy);
  wait_until([&] { return copies->states()[0].trouble.find("refused") != std::string::npos; }, "its trouble is told");
  copies->offer(lines(1, 6));
  EXPECT_FALSE(copies->must_refuse());
  copies->offer(lines(6, 20));
  EXPECT_TRUE(copies->must_refuse());
  EXPECT_EQ(copies->states()[0].dropped, 9U);
  copies->offer(lines(20, 22));
  EXPECT_TRUE(copies->take_gaps().empty()) << "it goes on";
  receiver.listen();
  const int connection = receiver.accept();
  EXPECT_EQ(Receiver::read(connection, 1000), lines(1, 11));
  wait_until([&] { return !copies->must_refuse() && copies->states()[0].trouble.empty(); }, "there is room again");
  copies->offer(lines(22, 23));
  const std::vector<CopyGap> gaps = copies->take_gaps();
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0].to, copy.to);
  EXPECT_EQ(std::tuple(gaps[0].first_seq, gaps[0].last_seq, gaps[0].records), std::tuple(11U, 21U, 11U));
  EXPECT_TRUE(copies->take_gaps().empty()) << "once";
  ::close(connection);
}

TEST(Copies, AGapEndsWhereRecordsAreTakenAgain) {
  Receiver receiver;
  const auto copies = open(copy_to(receiver, 1000));
  const auto told = [&] {
    std::vector<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> gaps;
    for (const CopyGap& gap : copies->take_gaps()) gaps.emplace_back(gap.first_seq, gap.last_seq, gap.records);
    return gaps;
  };
  using Told = decltype(told());
  copies->offer(lines(1, 16));  // takes ten
  EXPECT_EQ(told(), Told{});
  receiver.listen();
  const int connection = receiver.accept();
  wait_until([&] { return copies->states()[0].waiting_bytes == 0; }, "there is room again");
  copies->offer(lines(16, 31));  // takes ten, and begins the next gap
  EXPECT_EQ(told(), (Told{{11, 15, 5}}));
  wait_until([&] { return copies->states()[0].waiting_bytes == 0; }, "and again");
  copies->offer(lines(31, 32));
  EXPECT_EQ(told(), (Told{{26, 30, 5}}));
  ::close(connection);
}

TEST(Copies, EgressIsAskedForEachConnection) {
  Receiver receiver;
  receiver.listen();
  const config::AuditCopy copy = copy_to(receiver);
  const auto copies = open(copy, AddressList{{*Cidr::parse("10.0.0.0/8")}});
  copies->offer(lines(1, 2));
  wait_until([&] { return copies->states()[0].trouble.find("egress") != std::string::npos; }, "it is refused");
  ASSERT_TRUE(copies->adopt({copy}, AddressList::private_ranges()));
  const int connection = receiver.accept();
  EXPECT_EQ(Receiver::read(connection, 100), lines(1, 2));
  ::close(connection);
}

TEST(Copies, ADatagramThatFindsNobodyIsNoticed) {
  const Receiver receiver;  // a TCP port: nobody has the UDP one
  config::AuditCopy copy = copy_to(receiver);
  copy.form = config::AuditCopy::Form::syslog;
  copy.way = config::AuditCopy::Way::datagrams;
  const auto copies = open(copy);
  copies->offer(lines(1, 2));
  wait_until([&] { return copies->states()[0].trouble == "nobody listens there"; }, "its trouble is told");
}

TEST(Copies, AtTheEndWhatCannotBeSentIsCounted) {
  Receiver receiver;
  const auto copies = open(copy_to(receiver));
  copies->offer(lines(1, 4));
  copies->finish();
  EXPECT_EQ(copies->states()[0].dropped, 3U);
  EXPECT_EQ(copies->states()[0].waiting_bytes, 0U);
}

}  // namespace
}  // namespace intragate::audit
