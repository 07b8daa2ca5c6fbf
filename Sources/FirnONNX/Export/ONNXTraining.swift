public import FirnGraph
public import FirnRuntime

/// What of a model learns, as an ONNX model's `training_info` says it.
///
/// The file then has the loss among its outputs, its gradients by the operator `Gradient`, and an update of each
/// variable that learns; a frozen one has none, and its metadata say so too. What updates is plain descent, whatever
/// optimiser the program has: ONNX's operators of optimisers know neither schedules nor groups.
public struct ONNXTraining: Sendable {
  /// The name of what is minimised: one number.
  public let loss: String
  /// The names of the variables that learn, in the order of the graph.
  public let trained: [String]
  /// What a gradient is multiplied by in an update.
  public let learningRate: Double

  /// What a program trains; of a variable that it trains in part, all.
  ///
  /// - Parameters:
  ///   - program: compiled for training, whose selection says what is frozen.
  ///   - loss: what it minimises.
  ///   - learningRate: of the updates that are written.
  public init(_ program: Program, loss: any TensorReference, learningRate: Double = 0.01) {
    self.loss = loss.tensorName
    self.learningRate = learningRate
    trained = program.trained.map(\.name)
  }

  /// - Throws: where it is about another graph, what is minimised is no number, or the rate is none.
  func check(against graph: GraphDef) throws(FirnError) {
    guard learningRate.isFinite else {
      throw FirnError(
        .invalidArgument, "the learning rate of the updates is \(learningRate)",
        remedy: "give a finite number")
    }
    if let other = trained.first(where: { graph.variable(named: $0) == nil }) {
      throw FirnError(
        .unknownName, "the program trains `\(other)`, and the graph has no such variable",
        remedy: "give a program that was compiled by this session", place: other)
    }
    // Names that are none are found where outputs are.
    if let position = graph.nodes.firstIndex(where: { $0.name == loss }) {
      let type = graph.nodes[position].types.first ?? TensorType(.f32, .scalar)
      guard type.shape.isEmpty, type.dtype.isFloatingPoint else {
        throw FirnError(
          .notScalar, "the loss `\(loss)` is \(type), not a floating-point scalar",
          remedy: "reduce it with mean() or sum()", place: loss)
      }
    }
  }
}

extension TrainingMessage {
  /// Gradients of a loss by variables, and what these are after a step.
  init(trained: [String], loss: String, inputs: [String], learningRate: Double, dtype: (String) -> DType) {
    var gradient = NodeMessage()
    gradient.op = "Gradient"
    gradient.domain = Self.domain
    gradient.name = "/training/gradient"
    gradient.inputs = trained + inputs
    gradient.outputs = trained.map { "training/\($0)/gradient" }
    gradient.attributes = [
      AttributeMessage(texts: trained, named: "xs"), AttributeMessage(text: loss, named: "y"),
      AttributeMessage(texts: inputs, named: "zs"),
    ]
    var graph = GraphMessage()
    graph.name = "training"
    graph.nodes = [gradient]
    var rates: [DType: String] = [:]
    for (variable, slope) in zip(trained, gradient.outputs) {
      let type = dtype(variable)
      let rate = rates[type] ?? "training/learning_rate_\(type)"
      if rates.updateValue(rate, forKey: type) == nil {
        graph.initializers.append(TensorMessage(rate, NDArray(scalar: learningRate).converted(to: type)))
      }
      var (scaled, update) = (NodeMessage(), NodeMessage())
      (scaled.op, scaled.inputs, scaled.outputs) = ("Mul", [slope, rate], ["training/\(variable)/step"])
      (update.op, update.inputs, update.outputs) = (
        "Sub", [variable, "training/\(variable)/step"], ["training/\(variable)/next"]
      )
      graph.nodes += [scaled, update]
      graph.outputs.append(ValueMessage(update.outputs[0], type))
      updates.append(EntryMessage(variable, update.outputs[0]))
    }
    algorithm = graph
  }

  /// The operators of training.
  static let domain = "ai.onnx.preview.training"
}

extension AttributeMessage {
  fileprivate init(texts: [String], named name: String) {
    self.init()
    (self.name, self.texts, type) = (name, texts, 8)
  }

  fileprivate init(text: String, named name: String) {
    self.init()
    (self.name, self.text, type) = (name, text, 3)
  }
}

extension ValueMessage {
  /// A value of a type whose shape is not said.
  fileprivate init(_ name: String, _ dtype: DType) {
    self.init()
    self.name = name
    var tensor = TensorTypeMessage()
    tensor.elementType = ElementType(dtype).code
    type = TypeMessage()
    type?.tensor = tensor
  }
}
