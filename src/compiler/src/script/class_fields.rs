//! Class fields as TypeScript means them with `useDefineForClassFields: false`: assignments in the
//! constructor, so that a base class's setter runs, and no property where only a type stands.
//!
//! It runs after legacy decorators, which read the fields, and before types go, so that parameter
//! properties are assigned first, as TypeScript does. A field whose name is computed stays a field.

use swc_core::common::DUMMY_SP;
use swc_core::common::util::take::Take;
use swc_core::ecma::ast::{
    AssignExpr, AssignOp, AssignTarget, BlockStmt, Class, ClassMember, ClassProp, ComputedPropName,
    Expr, ExprStmt, Lit, MemberExpr, MemberProp, Program, PropName, SimpleAssignTarget,
    StaticBlock, Stmt, ThisExpr,
};
use swc_core::ecma::utils::constructor::inject_after_super;
use swc_core::ecma::utils::default_constructor_with_span;
use swc_core::ecma::visit::{VisitMut, VisitMutWith, noop_visit_mut_type};

/// Turns fields into assignments.
pub(super) fn assign(program: &mut Program) {
    program.visit_mut_with(&mut Assign);
}

/// Takes out the fields that the pass over types declares for parameter properties, which are assigned as well.
/// Fields that the program itself declares without a value are gone by then, or computed, or decorated.
pub(super) fn drop_declarations(program: &mut Program) {
    program.visit_mut_with(&mut DropDeclarations);
}

struct DropDeclarations;

impl VisitMut for DropDeclarations {
    noop_visit_mut_type!();

    fn visit_mut_class(&mut self, class: &mut Class) {
        class.visit_mut_children_with(self);
        class.body.retain(|member| match member {
            ClassMember::ClassProp(field) => {
                field.value.is_some() || !is_plain(field) || name(&field.key).is_none()
            }
            _ => true,
        });
    }
}

struct Assign;

impl VisitMut for Assign {
    noop_visit_mut_type!();

    fn visit_mut_class(&mut self, class: &mut Class) {
        class.visit_mut_children_with(self);
        let mut assignments = Vec::new();
        let mut members = Vec::with_capacity(class.body.len());
        for member in class.body.take() {
            members.extend(keep(member, &mut assignments));
        }
        class.body = members;
        if assignments.is_empty() {
            return;
        }
        let constructor = class.body.iter_mut().find_map(|member| match member {
            ClassMember::Constructor(constructor) if constructor.body.is_some() => {
                Some(constructor)
            }
            _ => None,
        });
        let assignments = assignments.into_iter().map(Box::new).collect();
        if let Some(constructor) = constructor {
            inject_after_super(constructor, assignments);
        } else {
            let mut constructor =
                default_constructor_with_span(class.super_class.is_some(), class.span);
            inject_after_super(&mut constructor, assignments);
            class.body.insert(0, ClassMember::Constructor(constructor));
        }
    }
}

/// What stays of a member in the class's body.
fn keep(member: ClassMember, assignments: &mut Vec<Expr>) -> Option<ClassMember> {
    match member {
        ClassMember::ClassProp(mut field) if is_plain(&field) => {
            let Some(target) = name(&field.key) else {
                return Some(ClassMember::ClassProp(field));
            };
            let assignment = assignment(target, field.value.take()?);
            if field.is_static {
                return Some(ClassMember::StaticBlock(StaticBlock {
                    span: field.span,
                    body: BlockStmt {
                        stmts: vec![Stmt::Expr(ExprStmt {
                            span: field.span,
                            expr: Box::new(assignment),
                        })],
                        ..Default::default()
                    },
                }));
            }
            assignments.push(assignment);
            None
        }
        // A private name has to be declared; its value waits for the fields before it.
        ClassMember::PrivateProp(mut field) if !field.is_static && field.decorators.is_empty() => {
            if let Some(value) = field.value.take() {
                let target = MemberProp::PrivateName(field.key.clone());
                assignments.push(assignment(target, value));
            }
            Some(ClassMember::PrivateProp(field))
        }
        other => Some(other),
    }
}

/// Whether a field exists at run time, and no decorator of the standard's waits for it.
fn is_plain(field: &ClassProp) -> bool {
    !field.declare && !field.is_abstract && field.decorators.is_empty()
}

fn name(key: &PropName) -> Option<MemberProp> {
    let literal = match key {
        PropName::Ident(name) => return Some(MemberProp::Ident(name.clone())),
        PropName::Str(text) => Lit::Str(text.clone()),
        PropName::Num(number) => Lit::Num(number.clone()),
        PropName::Computed(ComputedPropName { expr, .. }) => match &**expr {
            Expr::Lit(literal @ (Lit::Str(_) | Lit::Num(_))) => literal.clone(),
            _ => return None,
        },
        PropName::BigInt(_) => return None,
    };
    Some(MemberProp::Computed(ComputedPropName {
        span: DUMMY_SP,
        expr: Box::new(Expr::Lit(literal)),
    }))
}

fn assignment(prop: MemberProp, value: Box<Expr>) -> Expr {
    Expr::Assign(AssignExpr {
        span: DUMMY_SP,
        op: AssignOp::Assign,
        left: AssignTarget::Simple(SimpleAssignTarget::Member(MemberExpr {
            span: DUMMY_SP,
            obj: Box::new(Expr::This(ThisExpr { span: DUMMY_SP })),
            prop,
        })),
        right: value,
    })
}
