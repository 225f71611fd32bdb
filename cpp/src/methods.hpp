// `self` of a bound class, for `def`: refuses an object whose __init__ never ran.  For one that came from
// C.__new__(C), pybind11 hands out fresh memory in which no C was ever made.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

namespace picaflor::bind {

namespace py = pybind11;

template <class C>
class Self {
 public:
  Self(C* c, py::handle object) : c_(c), object_(object) {}

  C& operator*() const { return *c_; }
  C* operator->() const { return c_; }
  py::object object() const { return py::reinterpret_borrow<py::object>(object_); }

 private:
  C* c_;
  py::handle object_;  // the caller's reference
};

// A member function, and a member that is read.
template <class C, class R, class... A>
auto method(R (C::*f)(A...)) {
  return [f](Self<C> self, A... a) -> R { return ((*self).*f)(std::forward<A>(a)...); };
}
template <class C, class R, class... A>
auto method(R (C::*f)(A...) const) {
  return [f](Self<C> self, A... a) -> R { return ((*self).*f)(std::forward<A>(a)...); };
}
template <class C, class V>
auto reader(V C::*member) {
  return [member](Self<C> self) -> V { return (*self).*member; };
}

}  // namespace picaflor::bind

namespace pybind11::detail {

template <class C>
class type_caster<picaflor::bind::Self<C>> {
 public:
  static constexpr auto name = make_caster<C>::name;
  template <class>
  using cast_op_type = picaflor::bind::Self<C>;

  bool load(handle source, bool convert) {
    if (!isinstance<C>(source)) return false;
    auto* instance = reinterpret_cast<pybind11::detail::instance*>(source.ptr());
    if (!instance->get_value_and_holder(get_type_info(typeid(C))).holder_constructed()) {
      throw type_error(std::string(Py_TYPE(source.ptr())->tp_name) + ".__init__() was not called");
    }
    source_ = source;
    return caster_.load(source, convert);
  }
  operator picaflor::bind::Self<C>() { return {static_cast<C*>(caster_), source_}; }

 private:
  make_caster<C> caster_;
  handle source_;
};

}  // namespace pybind11::detail
