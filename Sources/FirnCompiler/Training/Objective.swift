public import FirnGraph
public import FirnNotation

/// One thing that a training program does in a step: the gradient of one loss, or gradients of the user's own, moves
/// variables by one optimiser.
///
/// A program may have several. They share the forward pass, each reads every variable as it was before the step, and the
/// gradient of each goes to what it trains and nowhere else:
///
///     let step = try session.compile(updates: [
///       .minimize(actorLoss, training: "actor", with: Adam(learningRate: 1e-4)),
///       .minimize(criticLoss, training: "critic", with: Adam(learningRate: 1e-3)),
///     ])
///
/// Two objectives that would train one variable are an error that names it. What two losses are to train together is
/// trained by one of them, and the other says `adding:`.
public struct Objective {
  package enum Source {
    case loss(any TensorReference)
    case gradients([(variable: any TensorReference, gradient: any TensorReference)])
  }

  package let source: Source
  package let selection: Selection?
  package let adding: Selection?
  package let optimizer: any Optimizer
  package let clipping: Clipping?
  package let accumulation: Accumulation?
  package let condition: RunCondition?
  package let name: String?

  /// Moves variables down the gradient of a loss.
  ///
  /// - Parameters:
  ///   - loss: a scalar, of floating point, by handle or by name.
  ///   - selection: what it trains, of what the compilation trains at all; everything by default.
  ///   - adding: what another objective trains, to whose gradient that of this loss is added: that objective's optimiser
  ///     makes the one update of both. It is not trained by this one, whatever `training:` says.
  ///   - optimizer: makes the updates.
  ///   - clipping: bounds the gradients of what it trains; by default they are not.
  ///   - accumulating: the runs whose gradients make one step, a number or more; each run is one by default.
  ///   - when: the runs that it takes part in; in others it changes nothing. All by default.
  ///   - name: what reports and slots of the whole objective call it, a path; the loss's name by default.
  public static func minimize(
    _ loss: any TensorReference, training selection: Selection? = nil, adding: Selection? = nil,
    with optimizer: any Optimizer, clipping: Clipping? = nil, accumulating: Accumulation? = nil,
    when condition: RunCondition? = nil, named name: String? = nil
  ) -> Objective {
    Objective(
      source: .loss(loss), selection: selection, adding: adding, optimizer: optimizer, clipping: clipping,
      accumulation: accumulating, condition: condition, name: name)
  }

  /// Moves a variable by a gradient that the user computed.
  ///
  /// - Parameters:
  ///   - variable: by the tensor that reads it, or by its path; it must be trained by the compilation.
  ///   - gradient: a tensor of the variable's type.
  ///   - optimizer: makes the update.
  ///   - clipping: bounds the gradient; by default it is not.
  ///   - accumulating: the runs whose gradients make one step; each run is one by default.
  ///   - when: the runs that it takes part in; all by default.
  ///   - name: what reports and slots of the whole objective call it, a path; the gradient's name by default.
  public static func update(
    _ variable: any TensorReference, by gradient: any TensorReference, with optimizer: any Optimizer,
    clipping: Clipping? = nil, accumulating: Accumulation? = nil, when condition: RunCondition? = nil,
    named name: String? = nil
  ) -> Objective {
    Objective(
      source: .gradients([(variable, gradient)]), selection: nil, adding: nil, optimizer: optimizer,
      clipping: clipping, accumulation: accumulating, condition: condition, name: name)
  }

  /// Moves several variables, each by its own gradient: `.update([w: dw, b: db], with: Adam())`.
  ///
  /// A global norm is over all of them. Parameters are those for one variable; the default name is the first gradient's.
  public static func update(
    _ gradients: KeyValuePairs<any TensorReference, any TensorReference>, with optimizer: any Optimizer,
    clipping: Clipping? = nil, accumulating: Accumulation? = nil, when condition: RunCondition? = nil,
    named name: String? = nil
  ) -> Objective {
    Objective(
      source: .gradients(gradients.map { ($0.key, $0.value) }), selection: nil, adding: nil,
      optimizer: optimizer, clipping: clipping, accumulation: accumulating, condition: condition, name: name)
  }
}
