// picaflor._core.Network: the engine as Python sees it.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "layer_specs.hpp"
#include "methods.hpp"
#include "names.hpp"
#include "optimizer_config.hpp"
#include "picaflor/network/network.hpp"

namespace picaflor {
namespace {

namespace py = pybind11;
using bind::CArray;
using bind::method;
using bind::reader;
using bind::Self;

// Ctrl-C while the lock is released: the signal's Python handler runs here, and its exception is raised
// later.
bool signal_raised(void*) {
  const py::gil_scoped_acquire locked;
  const KeepSubnormals mode;  // in the handler's arithmetic
  return PyErr_CheckSignals() != 0;
}
constexpr Interrupt kSignals{signal_raised, nullptr};

// A caller's matrix as the engine reads it; `keep` holds what had to be converted.
Rows as_rows(py::array& keep, const char* name, Index cols) {
  bind::check_dimensions(keep, name, 2, ("(n, " + std::to_string(cols) + ")").c_str());
  if (keep.shape(1) != cols) {
    bind::fail_shape(keep, name, "(n, " + std::to_string(cols) + ")");
  }
  if (!bind::element_type(keep)) keep = CArray<double>(keep).array();
  return {keep.data(),   *bind::element_type(keep), keep.shape(0),
          keep.shape(1), keep.strides(0),           keep.strides(1)};
}

// What every network offers, whatever its element type.
class AnyNetwork {
 public:
  virtual ~AnyNetwork() = default;
  virtual const Plan& plan() const = 0;
  virtual const char* dtype() const = 0;
  virtual py::list parameters(const py::object& self) = 0;
  virtual py::list gradients(const py::object& self) = 0;
  virtual py::list slots() = 0;
  virtual std::vector<bool> trained() = 0;
  virtual void set_trainable(Index layer, bool trainable) = 0;
  virtual void set_loss(const Loss& loss, const Reduction& reduction) = 0;
  virtual void set_metrics(std::vector<WeightedMetric> metrics) = 0;
  virtual void set_optimizer(const OptimizerConfig& config, bool keep_state) = 0;
  virtual std::int64_t iterations() = 0;
  virtual void set_iterations(std::int64_t iterations) = 0;
  virtual std::pair<std::uint64_t, std::uint64_t> random_state() = 0;
  virtual void set_random_state(std::pair<std::uint64_t, std::uint64_t> state) = 0;
  virtual RangeSums train(const py::object& x, const py::object& y, const py::object& weight,
                          const py::object& order, Index start, Index stop, Index batch_size,
                          const py::array& rates, double seconds) = 0;
  virtual RangeSums evaluate(const py::object& x, const py::object& y, const py::object& weight, Index start,
                             Index stop, Index batch_size, double seconds) = 0;
  virtual double loss_and_gradients(const py::object& x, const py::object& y, const py::object& weight,
                                    bool training) = 0;
  virtual void apply_gradients(double rate) = 0;
  virtual py::array predict(const py::object& x, const py::object& out) = 0;
  virtual py::array output() = 0;
};

template <class T>
class TypedNetwork final : public AnyNetwork {
 public:
  TypedNetwork(Plan plan, std::uint64_t seed) : net_(std::move(plan), seed) {}

  const Plan& plan() const override { return net_.plan(); }
  const char* dtype() const override { return sizeof(T) == sizeof(float) ? "float32" : "float64"; }
  py::list parameters(const py::object& self) override { return views(net_.parameters(), self, true); }
  py::list gradients(const py::object& self) override { return views(net_.gradients(), self, false); }
  py::list slots() override {
    const auto held = look();
    py::list all;
    for (int k = 0; k < net_.slot_count(); ++k) {
      using Kept = std::shared_ptr<const void>;  // until the last view of it is gone
      const py::capsule owner(new Kept(net_.kept_slots(k)), [](void* p) { delete static_cast<Kept*>(p); });
      all.append(views(net_.slots(k), owner, true));
    }
    return all;
  }
  std::vector<bool> trained() override {
    const auto held = look();
    std::vector<bool> trained;
    for (const Parameter& p : plan().parameters) trained.push_back(plan().is_trained(p));
    return trained;
  }
  void set_trainable(Index layer, bool trainable) override {
    if (layer < 0 || layer >= static_cast<Index>(plan().trainable.size())) {
      throw py::index_error("layer must be in [0, " + std::to_string(plan().trainable.size()) + "), got " +
                            std::to_string(layer));
    }
    const Use use(*this);
    net_.set_trainable(layer, trainable);
  }
  void set_loss(const Loss& loss, const Reduction& reduction) override {
    const Use use(*this);
    net_.set_loss(loss, reduction);
  }
  void set_metrics(std::vector<WeightedMetric> metrics) override {
    const Use use(*this);
    net_.set_metrics(std::move(metrics));
  }
  void set_optimizer(const OptimizerConfig& config, bool keep_state) override {
    const Use use(*this);
    net_.set_optimizer(config, keep_state);
  }
  std::int64_t iterations() override {
    const auto held = look();
    return net_.iterations;
  }
  void set_iterations(std::int64_t iterations) override {
    const Use use(*this);
    net_.iterations = iterations;
  }
  std::pair<std::uint64_t, std::uint64_t> random_state() override {
    const auto held = look();
    return {net_.random.seed, net_.random.stream};
  }
  void set_random_state(std::pair<std::uint64_t, std::uint64_t> state) override {
    const Use use(*this);
    std::tie(net_.random.seed, net_.random.stream) = state;
  }

  RangeSums train(const py::object& x, const py::object& y, const py::object& weight, const py::object& order,
                  Index start, Index stop, Index batch_size, const py::array& rates,
                  double seconds) override {
    const Checked data(*this, x, y, weight, order, start, stop);
    RangeRequest request = range(data, start, stop, batch_size, seconds);
    const CArray<double> per_batch(rates);
    const Index batches = (stop - start + batch_size - 1) / batch_size;
    bind::check_dimensions(per_batch.array(), "learning_rates", 1, "(minibatches,)");
    if (per_batch.size() < batches) {
      throw py::value_error("learning_rates must have one value for each of " + std::to_string(batches) +
                            " minibatches, got " + std::to_string(per_batch.size()));
    }
    request.rates = per_batch.data();
    return unlocked(data, [&] { return net_.train(data.set, request); });
  }

  RangeSums evaluate(const py::object& x, const py::object& y, const py::object& weight, Index start,
                     Index stop, Index batch_size, double seconds) override {
    const Checked data(*this, x, y, weight, py::none(), start, stop);
    const RangeRequest request = range(data, start, stop, batch_size, seconds);
    return unlocked(data, [&] { return net_.evaluate(data.set, request); });
  }

  double loss_and_gradients(const py::object& x, const py::object& y, const py::object& weight,
                            bool training) override {
    const Checked data(*this, x, y, weight, py::none(), 0, -1);
    double loss = 0;
    {
      const Use use(*this);
      const py::gil_scoped_release released;
      check_loss(data);
      loss = net_.loss_and_gradients(data.set, training, kSignals);
    }
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    return loss;
  }

  void apply_gradients(double rate) override {
    const Use use(*this);
    const py::gil_scoped_release released;
    net_.apply_gradients(rate);
  }

  py::array predict(const py::object& x_in, const py::object& out) override {
    py::array x = bind::as_array(x_in, "x");
    const Rows rows = as_rows(x, "x", plan().input);
    bind::Output<T> y = bind::output<T>(out, {rows.rows, plan().output});
    y.keep_apart(x);
    bool whole = false;
    {
      const Use use(*this);
      const py::gil_scoped_release released;
      whole = net_.predict(rows, y.data(), y.row_stride(), kSignals);
    }
    if (!whole) throw py::error_already_set();
    return y.finish();
  }

  py::array output() override {
    const Use use(*this);  // before the rows are counted
    py::array out = bind::empty<T>({net_.last_rows(), plan().output});
    net_.last_output(static_cast<T*>(out.mutable_data()));
    return out;
  }

 private:
  // The network is this caller's for as long as it lives.  The handler of a signal runs in the middle of a
  // caller's work, in its thread, and would wait for itself.
  class Use {
   public:
    explicit Use(TypedNetwork& network) : network_(network) {
      if (network.is_used_here()) {
        throw std::runtime_error(
            "a signal's handler cannot use the network that is at work in its thread; its weights and its "
            "optimizer's state can be read and written");
      }
      guard_ = network.wait();
      network.user_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    ~Use() { network_.user_.store(std::thread::id(), std::memory_order_relaxed); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    TypedNetwork& network_;
    std::unique_lock<std::mutex> guard_;
  };
  // For what can be read between two minibatches: a handler need not wait.
  std::unique_lock<std::mutex> look() { return is_used_here() ? std::unique_lock<std::mutex>() : wait(); }
  std::unique_lock<std::mutex> wait() {
    std::unique_lock guard(net_.mutex(), std::try_to_lock);
    if (!guard) {
      const py::gil_scoped_release released;
      guard.lock();
    }
    return guard;
  }
  // No other thread stores this one's number.
  bool is_used_here() const { return user_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

  // A view of each parameter's part of a buffer; it keeps the owner of that alive.
  py::list views(T* buffer, const py::object& owner, bool writeable) {
    constexpr py::ssize_t item = sizeof(T);
    py::list list;
    for (const Parameter& p : plan().parameters) {
      py::array view = p.is_vector
                           ? py::array(py::dtype::of<T>(), {p.cols}, {item}, buffer + p.offset, owner)
                           : py::array(py::dtype::of<T>(), {p.rows, p.cols},
                                       {p.row_step() * item, p.col_step() * item}, buffer + p.offset, owner);
      if (!writeable) view.attr("setflags")(py::arg("write") = false);
      list.append(std::move(view));
    }
    return list;
  }

  // The caller's arrays, checked, and the engine's view of them.
  struct Checked {
    py::array x = bind::detail::no_array(), y = x, weight = x, order = x;
    Dataset<T> set;
    const std::int64_t* rows = nullptr;       // of the order
    LossKind loss = LossKind::squared_error;  // that the targets are checked for

    Checked(const TypedNetwork& owner, const py::object& x_in, const py::object& y_in,
            const py::object& weight_in, const py::object& order_in, Index start, Index stop) {
      const Plan& plan = owner.plan();
      x = bind::as_array(x_in, "x");
      set.x = as_rows(x, "x", plan.input);
      const Index n = set.x.rows;
      if (stop < 0) stop = n;
      if (!order_in.is_none()) {
        order = bind::as_array(order_in, "order");
        if (!py::isinstance<py::array_t<std::int64_t, py::array::c_style>>(order)) {
          throw py::type_error("order must be a contiguous int64 array, got dtype " +
                               bind::dtype_name(order));
        }
        order = bind::as_int64(order);
        rows = static_cast<const std::int64_t*>(order.data());
      }
      const Index listed = rows == nullptr ? n : order.size();
      if (start < 0 || start > stop || stop > listed) {
        throw py::value_error("start and stop must satisfy 0 <= start <= stop <= " + std::to_string(listed) +
                              ", got " + std::to_string(start) + " and " + std::to_string(stop));
      }
      for (Index i = start; rows != nullptr && i < stop; ++i) {
        if (rows[i] < 0 || rows[i] >= n) {
          throw py::value_error("order must hold row numbers in [0, " + std::to_string(n) + "), got " +
                                std::to_string(rows[i]));
        }
      }
      take_targets(bind::as_array(y_in, "y"), owner, start, stop);
      if (!weight_in.is_none()) {
        const CArray<T> w =
            bind::as_vector<T>(bind::as_array(weight_in, "sample_weight"), "sample_weight", n);
        weight = w.array();
        set.weight = w.data();
      }
    }

    void take_targets(const py::array& y_in, const TypedNetwork& owner, Index start, Index stop) {
      const Index n = set.x.rows, c = owner.plan().output;
      y = y_in;
      loss = owner.net_.loss().kind;
      const bool takes_ids =
          loss == LossKind::categorical_cross_entropy || loss == LossKind::categorical_cross_entropy_logits;
      if (takes_ids && y.ndim() == 1) {
        bind::check_shape(y, "y", {n});
        y = py::isinstance<py::array_t<std::int64_t>>(y) ? bind::as_int64(y)
                                                         : bind::as_class_ids(y, "y", n, c);
        set.ids = static_cast<const std::int64_t*>(y.data());
        for (Index i = start; i < stop; ++i) {
          const std::int64_t id = set.ids[rows == nullptr ? i : rows[i]];
          if (id < 0 || id >= c) {
            throw py::value_error("y must hold class ids in [0, " + std::to_string(c) + "), got " +
                                  std::to_string(id));
          }
        }
        return;
      }
      set.y = as_rows(y, "y", c);
      if (set.y.rows != n) {
        throw py::value_error("y must have as many rows as x, " + std::to_string(n) + ", got " +
                              std::to_string(set.y.rows));
      }
    }
  };

  static RangeRequest range(const Checked& data, Index start, Index stop, Index batch_size, double seconds) {
    if (batch_size < 1)
      throw py::value_error("batch_size must be at least 1, got " + std::to_string(batch_size));
    RangeRequest request;
    request.order = data.rows;
    request.start = start;
    request.stop = stop;
    request.batch_size = batch_size;
    request.seconds = seconds;
    request.interrupt = kSignals;
    return request;
  }

  // Another thread may have changed the loss since the targets were checked for it.
  void check_loss(const Checked& data) const {
    if (net_.loss().kind != data.loss) {
      throw std::runtime_error("the loss of the network was changed by another thread");
    }
  }

  template <class Work>
  RangeSums unlocked(const Checked& data, const Work& work) {
    RangeSums sums;
    {
      const Use use(*this);
      const py::gil_scoped_release released;
      check_loss(data);
      sums = work();
    }
    if (sums.interrupted) throw py::error_already_set();
    return sums;
  }

  Network<T> net_;
  std::atomic<std::thread::id> user_;
};

std::shared_ptr<AnyNetwork> make_network(Index input_size, const std::vector<py::dict>& layers,
                                         const std::string& dtype, std::uint64_t seed) {
  if (input_size < 1)
    throw py::value_error("input_size must be at least 1, got " + std::to_string(input_size));
  std::vector<LayerSpec> specs;
  for (const py::dict& layer : layers) specs.push_back(bind::layer_spec(layer));
  if (dtype == "float32")
    return std::make_shared<TypedNetwork<float>>(make_plan<float>(input_size, specs), seed);
  if (dtype == "float64")
    return std::make_shared<TypedNetwork<double>>(make_plan<double>(input_size, specs), seed);
  throw py::value_error("dtype must be 'float32' or 'float64', got '" + dtype + "'");
}

Reduction reduction(const std::string& divide_by, bool penalty_per_sample) {
  Reduction r;
  r.penalty_per_sample = penalty_per_sample;
  if (divide_by == "weights") {
    r.divide_by = DivideBy::weights;
  } else if (divide_by == "none") {
    r.divide_by = DivideBy::none;
  } else if (divide_by != "rows") {
    throw py::value_error("divide_by must be 'rows', 'weights' or 'none', got '" + divide_by + "'");
  }
  return r;
}

WeightedMetric weighted_metric(const py::dict& d) {
  WeightedMetric m;
  m.metric.kind = bind::named(bind::kMetricNames, d["kind"].cast<std::string>(), "metric");
  if (d.contains("threshold")) m.metric.threshold = d["threshold"].cast<double>();
  if (d.contains("weighted")) m.weighted = d["weighted"].cast<bool>();
  return m;
}

}  // namespace

void bind_network(py::module_& m) {
  py::class_<RangeSums>(m, "RangeResult", "Sums over a range of minibatches.")
      .def_property_readonly("rows", reader(&RangeSums::rows))
      .def_property_readonly("batches", reader(&RangeSums::batches))
      .def_property_readonly("loss", reader(&RangeSums::loss))
      .def_property_readonly("metrics", reader(&RangeSums::metrics))
      .def_property_readonly("metric_weights", reader(&RangeSums::metric_weights))
      .def_property_readonly("bad_batch", reader(&RangeSums::bad_batch));

  py::class_<AnyNetwork, std::shared_ptr<AnyNetwork>>(m, "Network", "The compiled network of a model.")
      .def(py::init(&make_network), py::arg("input_size"), py::arg("layers"), py::arg("dtype"),
           py::arg("seed"))
      .def_property_readonly("dtype", method(&AnyNetwork::dtype))
      .def_property_readonly("input_size", [](Self<AnyNetwork> n) { return n->plan().input; })
      .def_property_readonly("output_size", [](Self<AnyNetwork> n) { return n->plan().output; })
      .def_property_readonly("parameters", [](Self<AnyNetwork> n) { return n->parameters(n.object()); })
      .def_property_readonly("gradients", [](Self<AnyNetwork> n) { return n->gradients(n.object()); })
      .def_property_readonly("slots", method(&AnyNetwork::slots))
      .def_property_readonly("trained", method(&AnyNetwork::trained))
      .def_property(
          "iterations", method(&AnyNetwork::iterations),
          [](Self<AnyNetwork> n, std::int64_t iterations) {
            if (iterations < 0)
              throw py::value_error("iterations must be at least 0, got " + std::to_string(iterations));
            n->set_iterations(iterations);
          })
      .def_property("random_state", method(&AnyNetwork::random_state), method(&AnyNetwork::set_random_state))
      .def("set_trainable", method(&AnyNetwork::set_trainable), py::arg("layer"), py::arg("trainable"))
      .def(
          "set_loss",
          [](Self<AnyNetwork> n, const std::string& kind, double label_smoothing, double delta, double factor,
             double ceiling, const std::string& divide_by, bool penalty_per_sample) {
            Loss loss;
            loss.kind = bind::named(bind::kLossNames, kind, "loss");
            loss.label_smoothing = label_smoothing;
            loss.delta = delta;
            loss.factor = factor;
            loss.ceiling = ceiling;
            n->set_loss(loss, reduction(divide_by, penalty_per_sample));
          },
          py::arg("kind"), py::kw_only(), py::arg("label_smoothing") = 0.0, py::arg("delta") = 1.0,
          py::arg("factor") = 1.0, py::arg("ceiling") = INFINITY, py::arg("divide_by") = "rows",
          py::arg("penalty_per_sample") = false)
      .def(
          "set_metrics",
          [](Self<AnyNetwork> n, const std::vector<py::dict>& metrics) {
            std::vector<WeightedMetric> parsed;
            for (const py::dict& metric : metrics) parsed.push_back(weighted_metric(metric));
            n->set_metrics(std::move(parsed));
          },
          py::arg("metrics"))
      .def(
          "set_optimizer",
          [](Self<AnyNetwork> n, const py::dict& config, bool keep_state) {
            n->set_optimizer(bind::optimizer_config(config), keep_state);
          },
          py::arg("config"), py::arg("keep_state") = false)
      .def("train", method(&AnyNetwork::train), py::arg("x"), py::arg("y"), py::arg("sample_weight"),
           py::arg("order"), py::arg("start"), py::arg("stop"), py::arg("batch_size"),
           py::arg("learning_rates"), py::arg("time_limit") = INFINITY)
      .def("evaluate", method(&AnyNetwork::evaluate), py::arg("x"), py::arg("y"), py::arg("sample_weight"),
           py::arg("start"), py::arg("stop"), py::arg("batch_size"), py::arg("time_limit") = INFINITY)
      .def("loss_and_gradients", method(&AnyNetwork::loss_and_gradients), py::arg("x"), py::arg("y"),
           py::arg("sample_weight") = py::none(), py::arg("training") = false)
      .def("apply_gradients", method(&AnyNetwork::apply_gradients), py::arg("learning_rate"))
      .def("predict", method(&AnyNetwork::predict), py::arg("x"), py::arg("out") = py::none())
      .def_property_readonly("output", method(&AnyNetwork::output));
}

}  // namespace picaflor
