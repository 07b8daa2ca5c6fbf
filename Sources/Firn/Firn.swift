/// Everything a program needs: `import Firn`.
@_exported public import FirnCharts
@_exported public import FirnCompiler
@_exported public import FirnFormats
@_exported public import FirnGraph
@_exported public import FirnNN
@_exported public import FirnNotation
@_exported public import FirnONNX
@_exported public import FirnOps
@_exported public import FirnRuntime
@_exported public import FirnTraining
@_exported public import FirnWorlds
