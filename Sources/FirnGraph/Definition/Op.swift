/// What a node does: all that Firn knows of one operation, or of a family told apart by mnemonic.
///
/// Conformers are small values; equal ops on equal operands compute equal results. Requirements that decide
/// correctness have no default, so that adding an op means answering each of them.
package protocol Op: Hashable, Sendable {
  /// Every mnemonic of the family.
  static var mnemonics: [String] { get }

  /// The name in text and DOT, snake case.
  var mnemonic: String { get }

  /// Everything that tells this op from others with the same mnemonic, in printing order.
  var attributes: Attributes { get }

  /// The inverse of `mnemonic` and `attributes`.
  init(mnemonic: String, attributes: Attributes) throws(FirnError)

  /// The types of the results, or an error carrying the number of the violated constraint.
  func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType]

  /// Whether a change of `operand` can reach `result` as a gradient. Decides, before any adjoint exists, which
  /// adjoints will.
  func gradientFlow(from operand: Int, to result: Int) -> GradientFlow

  /// Adds the nodes of the wanted operands' adjoints; nil for operands that are not wanted.
  func gradient(_ context: GradientContext) -> [Tensor?]

  /// Arithmetic done, a fused multiply-add counted as two and a transcendental function as one.
  func flops(of operands: [TensorType], results: [TensorType]) -> Dim

  /// Bytes that one member of a world hands in to be summed or collected. Default: none.
  func exchangedBytes(of operands: [TensorType], results: [TensorType]) -> Dim

  /// Which buffers its results may share with its operands.
  var aliasing: Aliasing { get }

  /// What each result varies with, given what the operands vary with. Default: the union, for every result.
  func dependence(of operands: [Dependence], results: Int) -> [Dependence]

  /// What it does to the world beyond its results. Default: nothing.
  var effect: Effect { get }

  /// Of an op that writes a variable, the rows it may write, the rest being left alone; nil where it writes the whole.
  /// Default: nil.
  ///
  /// Rows may be named by a second operand; without one all are written.
  var writtenRows: Range<Int>? { get }

  /// How the only result is made of rows that are added into zeros, at places that an operand names; nil where it is
  /// not. Default: nil.
  func rowAddition(in node: NodeTypes) -> RowAddition?

  /// Whether running it can fail, for what its operands hold: then it must not be run where it was not asked for.
  var canFail: Bool { get }

  /// Where it makes NaN and infinities of finite numbers, and what becomes of those it is given. Default: it makes none,
  /// and where it works element by element they stay.
  var numerics: Numerics { get }

  /// How `operand` is to lie for the op to read it without arranging it in every run, where it does not lie so; nil
  /// where it does, or where it makes no difference. Default: nil.
  func arrangement(of operand: Int, in node: NodeTypes) -> Arrangement?

  /// What is enough to be kept of `operand`, where that is less than it is: what makes it, and what reads it in the
  /// operand's place, to the same bits; nil where it takes all of it, or where it is not known. Default: nil.
  ///
  /// Asked of adjoints whose operand is made by the forward program.
  func residual(of operand: Int, in node: NodeTypes) -> Arrangement?

  /// What `operand` can be made into beforehand so that the op has less to do in every run, where that gains; the results
  /// are the same up to rounding. Nil where there is nothing. Default: nil.
  ///
  /// - Parameter tile: the largest tile that results may be made by.
  func preparation(of operand: Int, tile: WinogradTile, in node: NodeTypes) -> Preparation?

  /// Where else a factor can stand that varies along one axis of `place` alone: at an operand in which the op is linear
  /// too, along an axis of that. The result is the same up to rounding. Nil where it is not known. Default: nil.
  func factor(along axis: Int, of place: FactorPlace, in node: NodeTypes) -> OperandAxis?

  /// The axis along which `operand` has output channels where it is a kernel: what a linear op has its weights in. Nil for
  /// an operand that is none. Default: nil.
  func kernelChannel(of operand: Int, in node: NodeTypes) -> Int?

  /// How it reads a kernel that is held in a smaller type, to the bits of reading what that stands for; nil where it has
  /// to be widened before. Default: nil.
  ///
  /// - Parameter channel: the axis along which there are scales, where the type has some.
  func storedReading(
    of operand: Int, as storage: FrozenStorage, channel: Int, in node: NodeTypes
  ) -> Arrangement?

  /// Whether its result is cheap to make of something much smaller, so that each who reads it has it made anew and none is
  /// kept, though it never changes. Default: false.
  var isMadeWhereRead: Bool { get }

  /// What it can be in a fused program. Default: nothing; those that can be an instruction have theirs from
  /// `InstructionOp`.
  func fusionRole(in node: NodeTypes) -> FusionRole

  /// Itself, if it carries a graph. Default: nil; those that do have theirs from `BodyOp`.
  var asBodyOp: (any BodyOp)? { get }

  /// Whether it can be an instruction of a fused program, whatever its types: then its role says so, too, and its
  /// attributes hold no extents. Default: false; those that can have theirs from `InstructionOp`.
  var isInstruction: Bool { get }

  /// Whether a fused program can begin with it: it makes a result by whole rows of its last axis, and what reads these
  /// element by element can go on with them while they are in cache. Default: false.
  var isStart: Bool { get }

  /// Whether making an element takes about as long as reading one: plain arithmetic, comparisons, choices. A value that is
  /// made so need not be kept where what it is made of is at hand. Default: false.
  var isQuick: Bool { get }

  /// Whether it is a `RearrangingOp`. Default: false; those that are have theirs from there.
  var isRearranging: Bool { get }

  /// Whether it is a `ModalOp`. Default: false; those that are have theirs from there.
  var isModal: Bool { get }

  /// Whether it stands for what a pass is still to put in its place, and is in no finished program. Default: false.
  var isProvisional: Bool { get }

  // MARK: What passes ask; "no" and "not known" are answers, and there is no default

  /// Whether operands and results all have one shape, and each element of a result is made of the elements at its own
  /// place alone, wherever that is.
  var isElementwise: Bool { get }

  /// How `count` rows along `axis` of a result are made of rows of the operands; nil if a row also needs
  /// other rows, if its position matters, or if it is not known. Read for narrowing; loops by rows will read it too.
  ///
  /// - Parameter count: a number, or the whole extent by its name.
  func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule?

  /// How `block` of the only result is made without the rest.
  func narrowed(to block: Block, in node: NodeTypes) -> Narrowing

  /// How a node of a loop's body is computed for all `length` steps at once, with the bits of one after the other; nil
  /// where it is not known. At least one operand varies.
  ///
  /// - Parameter varying: for each operand, whether it varies from step to step.
  func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule?

  /// What has the same bits with less to do, NaN and infinities included; nil where nothing is known.
  ///
  /// Which NaN a product gives may differ: it is one of those it meets.
  ///
  /// Asked again of what comes out, until nothing does.
  func simplified(in node: NodeView) -> Expression<Value>?
}

extension Op {
  package func dependence(of operands: [Dependence], results: Int) -> [Dependence] {
    Array(repeating: operands.reduce([]) { $0.union($1) }, count: results)
  }

  package func exchangedBytes(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }

  package var effect: Effect { .none }

  package var writtenRows: Range<Int>? { nil }

  package func rowAddition(in node: NodeTypes) -> RowAddition? { nil }

  package func isEqual(to other: any Op) -> Bool { (other as? Self) == self }

  package func arrangement(of operand: Int, in node: NodeTypes) -> Arrangement? { nil }

  package func residual(of operand: Int, in node: NodeTypes) -> Arrangement? { nil }

  package func preparation(of operand: Int, tile: WinogradTile, in node: NodeTypes) -> Preparation? { nil }

  package func factor(along axis: Int, of place: FactorPlace, in node: NodeTypes) -> OperandAxis? { nil }

  package func kernelChannel(of operand: Int, in node: NodeTypes) -> Int? { nil }

  package func storedReading(
    of operand: Int, as storage: FrozenStorage, channel: Int, in node: NodeTypes
  ) -> Arrangement? { nil }

  package var isMadeWhereRead: Bool { false }

  package func fusionRole(in node: NodeTypes) -> FusionRole { .none }

  package var asBodyOp: (any BodyOp)? { nil }

  package var isInstruction: Bool { false }

  package var isStart: Bool { false }

  package var isQuick: Bool { false }

  package var isRearranging: Bool { false }

  package var isModal: Bool { false }

  package var isProvisional: Bool { false }
}

/// What becomes of a gradient between one result and one operand of an op.
package enum GradientFlow: Hashable, Sendable {
  /// The gradient passes.
  case passes
  /// The derivative exists and is zero everywhere it exists (`floor`, `sign`).
  case zero
  /// There is no derivative (integers, comparisons, indices).
  case notDifferentiable
  /// The gradient is stopped on purpose.
  case stopped
}

/// Buffer sharing an op allows.
package enum Aliasing: Hashable, Sendable {
  case none
  /// The result is the operand's own bytes under another type; no work is done.
  case view(of: Int)
  /// Result 0 may be written over any one of these operands, where sizes agree.
  case inPlace([Int])
  /// Each result may be written over any one of its operands, where sizes agree, and no two over the same one.
  case eachInPlace([[Int]])

  /// For each of so many results the operands it may be written over.
  package func inPlace(results: Int) -> [[Int]] {
    var choices = [[Int]](repeating: [], count: results)
    switch self {
    case .none, .view: break
    case .inPlace(let operands): if results == 1 { choices[0] = operands }
    case .eachInPlace(let each):
      choices.replaceSubrange(0..<min(results, each.count), with: each.prefix(results))
    }
    return choices
  }
}

/// What running a node does beyond computing its results.
package enum Effect: Hashable, Sendable {
  case none
  /// A placeholder: its value is fed.
  case feeds
  /// Stands for a value the enclosing loop provides.
  case receives
  /// Seed and run number, the source of all randomness.
  case draws
  /// Reads the variable of this name as it was when the run began.
  case reads(String)
  /// Writes the variable of this name when the run ends.
  case writes(String)
  /// Holds its only result: data fixed when the graph was built.
  case holds(NDArray)
  /// Gives the value of this name that the bound program has made.
  case recalls(String)
}
