// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

#include <array>
#include <memory>
#include <span>

#include "../shared_pages.h"
#include "promise.h"

namespace egress::node {

/// One scrape's walk over a page that other scrapes may share.
class PageReader : public Napi::ObjectWrap<PageReader> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "PageReader",
        {InstanceMethod<&PageReader::fill>("fill"), InstanceMethod<&PageReader::close>("close"),
         InstanceAccessor<&PageReader::read_ns>("readNs"),
         InstanceAccessor<&PageReader::filled>("filled"),
         InstanceAccessor<&PageReader::ended>("ended")});
  }

  explicit PageReader(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

  /// A page and how much of it was written where.
  struct Beginning {
    SharedPage page;
    Page::Cursor cursor;
    size_t filled = 0;
  };

  void open(Beginning beginning) {
    page_ = std::move(beginning.page);
    cursor_ = beginning.cursor;
    filled_ = beginning.filled;
  }

  /// The room of a buffer. @throws RangeError if it has none for a line
  static std::span<char> room(Napi::Buffer<char> buffer) {
    if (buffer.Length() < 2 * Page::kLineMax)
      throw Napi::RangeError::New(buffer.Env(), "the buffer is too small for a line");
    return {buffer.Data(), buffer.Length()};
  }

 private:
  /// fill(buffer: Buffer): Promise<number>; one call at a time
  Napi::Value fill(const Napi::CallbackInfo& info) {
    auto buffer = info[0].As<Napi::Buffer<char>>();
    const std::span<char> out = room(buffer);
    if (!page_) throw Failure{"the page is closed", "ECLOSED", "", "", ""}.to_js(info.Env());
    // The references keep buffer and cursor alive until the work is done.
    auto keep = std::make_shared<std::array<Napi::ObjectReference, 2>>();
    (*keep)[0] = Napi::Persistent(info.This().As<Napi::Object>());
    (*keep)[1] = Napi::Persistent(buffer.As<Napi::Object>());
    return promise_of<size_t>(
        info.Env(), [this, page = page_, out] { return page->render(cursor_, out); },
        [keep](Napi::Env env, size_t written) {
          return Napi::Number::New(env, static_cast<double>(written));
        });
  }

  /// filled: number, what read() wrote into its buffer
  Napi::Value filled(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(filled_));
  }

  /// ended: boolean; not while fill() is under way
  Napi::Value ended(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), Page::ended(cursor_));
  }

  /// readNs: bigint, CLOCK_MONOTONIC
  Napi::Value read_ns(const Napi::CallbackInfo& info) {
    return Napi::BigInt::New(info.Env(), page_ ? page_->snapshot().read_ns : uint64_t{0});
  }

  /// close(): lets go of the page; idempotent
  void close(const Napi::CallbackInfo&) { page_.reset(); }

  SharedPage page_;
  Page::Cursor cursor_;
  size_t filled_ = 0;
};

/// What an environment has of its own.
struct Environment {
  Napi::FunctionReference page_reader;  // the class
};

}  // namespace egress::node
