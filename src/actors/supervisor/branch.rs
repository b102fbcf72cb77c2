//! A branch of the tree as it is declared: a supervisor and its children, in the order of their start.
//!
//! Must not live here: running state. One declaration starts as many incarnations as needed.

use std::sync::Arc;

use ractor::{Actor, ActorRef, SpawnErr};

use super::{Alarm, Jitter, Order, Orders, Restart, Spec, Start, Supervisor};
use crate::actors::{lifecycle::Step, vitals::Vitals};

/// A supervisor and the children below it.
pub struct Branch {
    vitals: Arc<Vitals>,
    jitter: Jitter,
    children: Vec<Spec>,
    orders: Orders,
    places: Vec<Place>,
}

/// One place in the tree: whose it is, and who supervises it.
#[derive(Clone)]
pub(crate) struct Place {
    pub vitals: Arc<Vitals>,
    pub supervisor: Arc<Vitals>,
    pub orders: Orders,
    /// When it is stopped; `None` for a supervisor, which ends with the tree.
    pub step: Option<Step>,
}

impl Branch {
    /// A supervisor without children yet. `vitals` hold its own restart budget within its parent.
    pub fn new(vitals: &Arc<Vitals>, jitter: &Jitter) -> Self {
        Self {
            vitals: Arc::clone(vitals),
            jitter: Arc::clone(jitter),
            children: Vec::new(),
            orders: Orders::default(),
            places: Vec::new(),
        }
    }

    /// With one more child, started after those before it.
    pub fn child(mut self, spec: Spec) -> Self {
        self.places.push(self.place(&spec.vitals, Some(spec.step)));
        self.children.push(spec);
        self
    }

    /// With a whole branch below it.
    pub fn branch(mut self, branch: Branch) -> Self {
        self.places.push(self.place(&branch.vitals, None));
        self.places.extend_from_slice(&branch.places);
        self.children.push(branch.into_spec());
        self
    }

    fn place(&self, vitals: &Arc<Vitals>, step: Option<Step>) -> Place {
        Place {
            vitals: Arc::clone(vitals),
            supervisor: Arc::clone(&self.vitals),
            orders: self.orders.clone(),
            step,
        }
    }

    /// All places below this supervisor, parents before children, in the order of their start.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    pub(crate) fn vitals(&self) -> &Arc<Vitals> {
        &self.vitals
    }

    fn into_spec(self) -> Spec {
        let children: Arc<[Spec]> = self.children.into();
        let (vitals, jitter, orders) = (self.vitals, self.jitter, self.orders);
        let own = Arc::clone(&vitals);
        let start: Start = Arc::new(move |parent| {
            let supervisor = Supervisor {
                vitals: Arc::clone(&own),
                children: Arc::clone(&children),
                jitter: Arc::clone(&jitter),
                alarm: None,
            };
            let orders = orders.clone();
            Box::pin(async move {
                let (actor, _) = Actor::spawn_linked(None, supervisor, (), parent).await?;
                orders.publish(actor.clone());
                Ok(actor.get_cell())
            })
        });
        Spec::new(&vitals, Restart::Always, start)
    }

    /// Starts this branch as the root of a tree.
    pub(crate) async fn start_as_root(
        self,
        alarm: Alarm,
    ) -> Result<(ActorRef<Order>, tokio::task::JoinHandle<()>), SpawnErr> {
        let supervisor = Supervisor {
            vitals: self.vitals,
            children: self.children.into(),
            jitter: self.jitter,
            alarm: Some(alarm),
        };
        let (actor, handle) = Actor::spawn(None, supervisor, ()).await?;
        self.orders.publish(actor.clone());
        Ok((actor, handle))
    }
}
