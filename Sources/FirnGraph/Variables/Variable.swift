/// The declaration of state that outlives a run.
public struct Variable: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// What training may change by gradient.
    case parameter
    /// Written by the step itself (moving averages, counters); never trained by gradient.
    case state
    /// An optimiser's memory of one parameter.
    case slot
  }

  /// Its path; unique among variables.
  public let name: String
  public package(set) var type: TensorType
  public let kind: Kind
  /// What it is to its layer: `kernel`, `recurrent_kernel`, `bias`, `table`; empty where it has no role.
  public let role: String
  public let initializer: Initializer
  /// As declared where it was built, for a parameter; a compilation starts from this.
  public let isTrainable: Bool
  /// Whether it is state declared `trainable: false`, which training is not to move.
  public let isHeld: Bool
  /// Names of its equal blocks along one axis; nil where it has none.
  public let blocks: BlockNames?
  public let location: CallSite?

  package init(
    name: String, type: TensorType, kind: Kind = .parameter, role: String = "", initializer: Initializer,
    isTrainable: Bool = true, isHeld: Bool = false, blocks: BlockNames? = nil, location: CallSite? = nil
  ) {
    self.name = name
    self.type = type
    self.kind = kind
    self.role = role
    self.initializer = initializer
    self.isTrainable = isTrainable
    self.isHeld = isHeld
    self.blocks = blocks
    self.location = location
  }

  /// The path of the scope it stands in.
  public var scope: String { Path.parent(of: name) }

  /// Number of elements.
  public var elementCount: Int { type.shape.elementCount.value ?? 0 }

  public static func == (a: Variable, b: Variable) -> Bool {
    a.name == b.name && a.type == b.type && a.kind == b.kind && a.role == b.role
      && a.initializer == b.initializer && a.isTrainable == b.isTrainable
      && a.isHeld == b.isHeld && a.blocks == b.blocks
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
